/** Settings of the policy that PPO and the methods beside it have in common. */
import { AGGREGATIONS, KL_LOSSES } from '../config';
import { MEASURED, type SettingInfo } from './setting';

/**
 * Why drift is charged by k1. With d = log pi - log ref of the sampled token: as a reward, k1 has the gradient of
 * KL(pi ‖ ref); k2 that of E[d²/2] with d held fixed, and k3 that of KL(pi ‖ ref) less that of KL(ref ‖ pi), which both
 * vanish to first order at the start. As a loss, k1 has none, k2 that of KL(pi ‖ ref), k3 that of KL(ref ‖ pi)
 * (rlhf/kl.test.ts).
 */
export const KL_AS_REWARD =
  'Charged for each word as k1, log(new / old): the only estimate that pulls as a reward the way the drift itself does. ' +
  'k2, k3 and the exact drift belong in the loss.';

// What PPO and the methods beside it have in common.
export const KL_COEF: SettingInfo = {
  label: 'Leash',
  term: 'klCoef (beta)',
  help: 'How hard the model is held to what it said before. 0 lets it run into gibberish. ' + KL_AS_REWARD,
  unit: '',
  min: 0,
  max: 10,
  integer: false,
  source: 'InstructGPT, equation 2; Schulman 2020; value measured at this scale',
};

export const CLIP_RANGE: SettingInfo = {
  label: 'Clip',
  term: 'clipRange',
  help: 'How far one update may move the odds of a word.',
  unit: '',
  min: 0.01,
  max: 1,
  integer: false,
  source: 'PPO, equation 7',
};

export const ROLLOUT_TEMPERATURE: SettingInfo = {
  label: 'Temperature',
  term: 'temperature',
  help: 'Spread of the words sampled; the same everywhere in PPO.',
  unit: '',
  min: 0.1,
  max: 2,
  integer: false,
  source: MEASURED,
};

export const MISSING_EOS_PENALTY: SettingInfo = {
  label: 'No-stop penalty',
  term: 'missingEosPenalty',
  help: 'Taken off the score of a reply that does not stop.',
  unit: '',
  min: 0,
  max: 10,
  integer: false,
  source: 'TRL, missing_eos_penalty',
};

export const MAX_GRAD_NORM: SettingInfo = {
  label: 'Gradient clip',
  term: 'maxGradNorm',
  help: 'Longest gradient that is followed.',
  unit: '',
  min: 0.01,
  max: 100,
  integer: false,
  source: 'OpenRLHF',
};

export const ENTROPY_COEF: SettingInfo = {
  label: 'Variety bonus',
  term: 'entropyCoef',
  help: 'Pays for not being sure of the next word.',
  unit: '',
  min: 0,
  max: 1,
  integer: false,
  source: 'PPO, equation 9, with 0.01',
};

export const KL_LOSS: SettingInfo = {
  label: 'Drift in the loss',
  term: 'klLoss',
  help: 'Charges the drift in the loss as well. k1 only adds noise; k2 and exact hold to the start; k3 the other way round.',
  unit: '',
  min: 0,
  max: KL_LOSSES.length - 1,
  integer: true,
  choices: KL_LOSSES,
  source: 'Schulman 2020; GRPO, equation 4',
};

export const KL_LOSS_COEF: SettingInfo = {
  label: 'Its weight',
  term: 'klLossCoef',
  help: 'What a nat of drift adds to the loss.',
  unit: '',
  min: 0,
  max: 10,
  integer: false,
  source: MEASURED,
};

export const AGGREGATION: SettingInfo = {
  label: 'Several reward models pay',
  term: 'ensemble aggregation',
  help: 'What they say on average; what the least pleased one says; or the average less their disagreement.',
  unit: '',
  min: 0,
  max: AGGREGATIONS.length - 1,
  integer: true,
  choices: AGGREGATIONS,
  source: 'Coste et al. 2023, section 3',
};

export const RULE_WEIGHT: SettingInfo = {
  label: 'Weight of the rule',
  term: 'rule weight',
  help: 'What a reply that likely breaks the rule is charged: so much a nat. Counts where there is a rule model.',
  unit: 'reward a nat',
  min: 0,
  max: 100,
  integer: false,
  source: 'Sparrow, section 3.5',
};

export const ADAPTIVE_KL: SettingInfo = {
  label: 'Adjust the leash',
  term: 'adaptive KL controller',
  help: '1: hold the target below; 0: keep the leash as it is.',
  unit: '',
  min: 0,
  max: 1,
  integer: true,
  source: 'Ziegler et al. 2019, section 2.2',
};

export const KL_TARGET: SettingInfo = {
  label: 'Target drift',
  term: 'klTarget',
  help: 'How far from the start a reply may be.',
  unit: 'nats a reply',
  min: 0.01,
  max: 100,
  integer: false,
  source: MEASURED + '; Ziegler et al. used 6 to 10',
};

export const KL_HORIZON: SettingInfo = {
  label: 'Horizon',
  term: 'klHorizon',
  help: 'Replies over which the leash is corrected.',
  unit: 'episodes',
  min: 1,
  max: 1e6,
  integer: true,
  source: MEASURED + ', 10 batches',
};

export const EMA_DECAY: SettingInfo = {
  label: 'Slow copy',
  term: 'EMA decay',
  help: 'Ends with a moving average of the policy. 0 is off.',
  unit: '',
  min: 0,
  max: 0.9999,
  integer: false,
  source: 'OpenRLHF, with 0.992',
};

export const GUARD_COEF: SettingInfo = {
  label: 'Guard of the best',
  term: 'NLL coefficient',
  help: 'Holds the policy to the replies that were ranked best, whose likelihood otherwise falls with the others.',
  unit: '',
  min: 0,
  max: 10,
  integer: false,
  source: 'Pang et al. 2024, equation 2',
};
