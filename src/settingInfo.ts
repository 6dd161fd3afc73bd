/** What every setting is called, what turning it does, its range and unit, and where it comes from. */
import { AGGREGATIONS, KL_LOSSES, RANKING_LOSSES, type Settings, SPOILED_LABELS, TIE_RULES } from './config';

export interface SettingInfo {
  /** What the page calls it. */
  label: string;
  /** The field's own word. */
  term: string;
  /** One plain sentence: what turning it does. */
  help: string;
  unit: string;
  min: number;
  max: number;
  /** Whole numbers only. */
  integer: boolean;
  /** What a value must exceed unless it is 0, which is off. */
  above?: number;
  /** What the numbers from `min` on stand for, where they are names. */
  choices?: readonly string[];
  source: string;
  /** Nobody should want it, but to see what it does: a switch of a lesson. */
  mistake?: true;
}

const MEASURED = 'measured at this scale';
const rate = (term: string, help: string, source: string): SettingInfo => ({
  label: 'Learning rate',
  term,
  help,
  unit: '',
  min: 0,
  max: 0.1,
  integer: false,
  source,
});
const count = (label: string, term: string, help: string, unit: string, max: number, source: string): SettingInfo => ({
  label,
  term,
  help,
  unit,
  min: 1,
  max,
  integer: true,
  source,
});

/** A switch that nobody should want, but to see what it does. */
const mistake = (label: string, term: string, help: string): SettingInfo => ({
  label,
  term,
  help,
  unit: '',
  min: 0,
  max: 1,
  integer: true,
  source: '',
  mistake: true,
});

/**
 * Why drift is charged by k1. With d = log pi - log ref of the sampled token: as a reward, k1 has the gradient of
 * KL(pi ‖ ref); k2 that of E[d²/2] with d held fixed, and k3 that of KL(pi ‖ ref) less that of KL(ref ‖ pi), which both
 * vanish to first order at the start. As a loss, k1 has none, k2 that of KL(pi ‖ ref), k3 that of KL(ref ‖ pi)
 * (rlhf/kl.test.ts).
 */
const KL_AS_REWARD =
  'Charged for each word as k1, log(new / old): the only estimate that pulls as a reward the way the drift itself does. ' +
  'k2, k3 and the exact drift belong in the loss.';

// What PPO and the methods beside it have in common.
const KL_COEF: SettingInfo = {
  label: 'Leash',
  term: 'klCoef (beta)',
  help: 'How hard the model is held to what it said before. 0 lets it run into gibberish. ' + KL_AS_REWARD,
  unit: '',
  min: 0,
  max: 10,
  integer: false,
  source: 'InstructGPT, equation 2; Schulman 2020; value measured at this scale',
};

const CLIP_RANGE: SettingInfo = {
  label: 'Clip',
  term: 'clipRange',
  help: 'How far one update may move the odds of a word.',
  unit: '',
  min: 0.01,
  max: 1,
  integer: false,
  source: 'PPO, equation 7',
};

const ROLLOUT_TEMPERATURE: SettingInfo = {
  label: 'Temperature',
  term: 'temperature',
  help: 'Spread of the words sampled; the same everywhere in PPO.',
  unit: '',
  min: 0.1,
  max: 2,
  integer: false,
  source: MEASURED,
};

const MISSING_EOS_PENALTY: SettingInfo = {
  label: 'No-stop penalty',
  term: 'missingEosPenalty',
  help: 'Taken off the score of a reply that does not stop.',
  unit: '',
  min: 0,
  max: 10,
  integer: false,
  source: 'TRL, missing_eos_penalty',
};

const MAX_GRAD_NORM: SettingInfo = {
  label: 'Gradient clip',
  term: 'maxGradNorm',
  help: 'Longest gradient that is followed.',
  unit: '',
  min: 0.01,
  max: 100,
  integer: false,
  source: 'OpenRLHF',
};

const ENTROPY_COEF: SettingInfo = {
  label: 'Variety bonus',
  term: 'entropyCoef',
  help: 'Pays for not being sure of the next word.',
  unit: '',
  min: 0,
  max: 1,
  integer: false,
  source: 'PPO, equation 9, with 0.01',
};

const KL_LOSS: SettingInfo = {
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

const KL_LOSS_COEF: SettingInfo = {
  label: 'Its weight',
  term: 'klLossCoef',
  help: 'What a nat of drift adds to the loss.',
  unit: '',
  min: 0,
  max: 10,
  integer: false,
  source: MEASURED,
};

const AGGREGATION: SettingInfo = {
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

const RULE_WEIGHT: SettingInfo = {
  label: 'Weight of the rule',
  term: 'rule weight',
  help: 'What a reply that likely breaks the rule is charged: so much a nat. Counts where there is a rule model.',
  unit: 'reward a nat',
  min: 0,
  max: 100,
  integer: false,
  source: 'Sparrow, section 3.5',
};

const ADAPTIVE_KL: SettingInfo = {
  label: 'Adjust the leash',
  term: 'adaptive KL controller',
  help: '1: hold the target below; 0: keep the leash as it is.',
  unit: '',
  min: 0,
  max: 1,
  integer: true,
  source: 'Ziegler et al. 2019, section 2.2',
};

const KL_TARGET: SettingInfo = {
  label: 'Target drift',
  term: 'klTarget',
  help: 'How far from the start a reply may be.',
  unit: 'nats a reply',
  min: 0.01,
  max: 100,
  integer: false,
  source: MEASURED + '; Ziegler et al. used 6 to 10',
};

const KL_HORIZON: SettingInfo = {
  label: 'Horizon',
  term: 'klHorizon',
  help: 'Replies over which the leash is corrected.',
  unit: 'episodes',
  min: 1,
  max: 1e6,
  integer: true,
  source: MEASURED + ', 10 batches',
};

const EMA_DECAY: SettingInfo = {
  label: 'Slow copy',
  term: 'EMA decay',
  help: 'Ends with a moving average of the policy. 0 is off.',
  unit: '',
  min: 0,
  max: 0.9999,
  integer: false,
  source: 'OpenRLHF, with 0.992',
};

const GUARD_COEF: SettingInfo = {
  label: 'Guard of the best',
  term: 'NLL coefficient',
  help: 'Holds the policy to the replies that were ranked best, whose likelihood otherwise falls with the others.',
  unit: '',
  min: 0,
  max: 10,
  integer: false,
  source: 'Pang et al. 2024, equation 2',
};

/** What the page shows and checks for every setting. */
export const SETTINGS: { [S in keyof Settings]: { [K in keyof Settings[S]]: SettingInfo } } = {
  pretrain: {
    steps: count('Steps', 'optimiser steps', 'More steps teach more facts; sums come last.', 'steps', 100000, MEASURED),
    batchSize: count('Batch', 'batch size', 'Windows of text a step sees.', 'windows', 256, MEASURED),
    sequenceLength: count('Window', 'sequence length', 'Tokens in one window of text.', 'tokens', 256, MEASURED),
    learningRate: rate('lr', 'How far each step moves the weights.', MEASURED),
    warmupSteps: {
      label: 'Warm-up',
      term: 'warm-up steps',
      help: 'Steps over which the learning rate climbs from 0.',
      unit: 'steps',
      min: 0,
      max: 10000,
      integer: true,
      source: 'GPT-3, appendix B',
    },
  },
  sft: {
    examples: count('Demonstrations', 'examples', 'Worked examples the model imitates.', 'examples', 100000, MEASURED),
    epochs: count('Passes', 'epochs', 'How often each example is seen.', 'epochs', 50, MEASURED),
    batchSize: count('Batch', 'batch size', 'Examples a step sees.', 'examples', 128, MEASURED),
    learningRate: rate(
      'lr',
      'How far each step moves the weights of nano; models twice as wide take half as much. Falls to 0 over the run.',
      MEASURED,
    ),
    padIsStop: mistake(
      'Stop taken for padding',
      'pad = eos',
      'The loss never sees the stop token, so replies never end.',
    ),
  },
  rewardModel: {
    epochs: count(
      'Passes',
      'epochs',
      'How often each ranking is seen. Few when a person labels, to not learn slips by heart.',
      'epochs',
      50,
      MEASURED,
    ),
    rankingsPerStep: count(
      'Batch',
      'rankings a step',
      'Rankings a step sees, each with all its pairs.',
      'rankings',
      64,
      'InstructGPT, section 3.5: all pairs of a prompt in one batch element',
    ),
    learningRate: rate('lr', 'How far each step moves the weights; falls to 0 over the run.', MEASURED),
    centreCoef: {
      label: 'Centring',
      term: 'centre coefficient',
      help: 'Pulls rewards towards zero mean.',
      unit: '',
      min: 0,
      max: 1,
      integer: false,
      source: 'TRL, center_rewards_coefficient',
    },
    loss: {
      label: 'What a ranking teaches',
      term: 'loss',
      help: 'Every pair of it; the order as a whole (Plackett-Luce), where a tie counts as the order shown; or which reply is best, or which ones are.',
      unit: '',
      min: 0,
      max: RANKING_LOSSES.length - 1,
      integer: true,
      choices: RANKING_LOSSES,
      source: 'InstructGPT, equation 1; DPO, equation 18; Ziegler et al. 2019, equation 1',
    },
    ties: {
      label: 'What a tie teaches',
      term: 'ties',
      help: 'Nothing, or that both replies are equally good. Counts where every pair does.',
      unit: '',
      min: 0,
      max: TIE_RULES.length - 1,
      integer: true,
      choices: TIE_RULES,
      source: 'Rao and Kupper 1967, without a threshold',
    },
    margin: {
      label: 'Margin a step',
      term: 'margin',
      help: 'By how much a reply must win for every step of the ranking that it is ahead; a step that is much better (>) counts twice. At 0, as by default, how strong a preference is teaches nothing. Counts where every pair does.',
      unit: 'reward',
      min: 0,
      max: 10,
      integer: false,
      source: 'Llama 2 (arXiv:2307.09288), section 3.2.2, with steps of the ranking as the strength of a preference',
    },
    normalise: {
      label: 'Normalise scores',
      term: 'reward normalisation',
      help: 'Replies of the SFT model score 0 on average, with deviation 1. Otherwise the leash means nothing certain.',
      unit: '',
      min: 0,
      max: 1,
      integer: true,
      source: 'lm-human-preferences, train_reward.py',
    },
    members: count(
      'Reward models',
      'ensemble size',
      'Trains so many on the same rankings, from other seeds. Where they disagree, none has learned enough.',
      'models',
      5,
      'Coste et al. 2023',
    ),
    ruleModel: {
      label: 'Rule model',
      term: 'rule-violation model',
      help: 'Learns besides which replies were flagged for breaking the rule.',
      unit: '',
      min: 0,
      max: 1,
      integer: true,
      source: 'Sparrow, section 3.4',
    },
    mostRankings: {
      label: 'Most rankings',
      term: 'training rankings',
      help: 'Learns from the first so many alone. 0 is all.',
      unit: 'rankings',
      min: 0,
      max: 100000,
      integer: true,
      source: '',
    },
    spoiled: {
      label: 'Spoil the labels',
      term: 'label noise and bias',
      help: 'Turns rankings around, or orders them by length alone.',
      unit: '',
      min: 0,
      max: SPOILED_LABELS.length - 1,
      integer: true,
      choices: SPOILED_LABELS,
      source: '',
      mistake: true,
    },
    spoiledShare: {
      label: 'Share spoiled',
      term: 'noise rate',
      help: 'Of how many rankings.',
      unit: 'share',
      min: 0,
      max: 1,
      integer: false,
      source: '',
      mistake: true,
    },
  },
  ppo: {
    updates: count('Updates', 'updates', 'Rounds of sampling and learning.', 'updates', 10000, MEASURED),
    batchSize: count('Replies an update', 'batch size', 'Prompts sampled in one round.', 'episodes', 512, MEASURED),
    ppoEpochs: count(
      'Passes',
      'ppoEpochs',
      'How often each round of replies is learned from.',
      'epochs',
      16,
      'PPO, section 5',
    ),
    minibatchSize: count('Minibatch', 'minibatchSize', 'Replies in one optimiser step.', 'episodes', 512, MEASURED),
    learningRate: rate('lr', 'How far each step moves the policy; falls to 0 over the run.', MEASURED),
    valueLearningRate: {
      ...rate('value lr', 'How far each step moves the value model.', MEASURED),
      label: 'Value learning rate',
    },
    klCoef: KL_COEF,
    adaptiveKl: ADAPTIVE_KL,
    klTarget: KL_TARGET,
    klHorizon: KL_HORIZON,
    clipRange: CLIP_RANGE,
    clipRangeValue: {
      label: 'Value clip',
      term: 'clipRangeValue',
      help: 'How far one update may move the value.',
      unit: '',
      min: 0.01,
      max: 10,
      integer: false,
      source: 'lm-human-preferences, train_policy.py',
    },
    vfCoef: {
      label: 'Value weight',
      term: 'vfCoef',
      help: "Weight of the value loss. It scales the value model's gradient before it is clipped.",
      unit: '',
      min: 0,
      max: 10,
      integer: false,
      source: 'lm-human-preferences, train_policy.py',
    },
    gamma: {
      label: 'Discount',
      term: 'gamma',
      help: 'How much a later reward counts now.',
      unit: '',
      min: 0,
      max: 1,
      integer: false,
      source: 'lm-human-preferences',
    },
    lam: {
      label: 'GAE lambda',
      term: 'lam',
      help: 'Between trusting the value model (0) and the outcome (1).',
      unit: '',
      min: 0,
      max: 1,
      integer: false,
      source: 'GAE, section 3',
    },
    temperature: ROLLOUT_TEMPERATURE,
    maxNewTokens: count('Longest reply', 'R', 'Tokens after which a reply is cut.', 'tokens', 200, MEASURED),
    missingEosPenalty: MISSING_EOS_PENALTY,
    maxGradNorm: MAX_GRAD_NORM,
    aggregation: AGGREGATION,
    ruleWeight: RULE_WEIGHT,
    dualClip: {
      label: 'Dual clip',
      term: 'dualClip',
      help: 'Most that a word costs which turned out bad, however likely it has become. Above 1; 0 is off.',
      unit: 'advantages',
      min: 0,
      max: 100,
      integer: false,
      above: 1,
      source: 'Ye et al. 2020, equation 5, with 3',
    },
    entropyCoef: ENTROPY_COEF,
    klLoss: KL_LOSS,
    klLossCoef: KL_LOSS_COEF,
    ptxCoef: {
      label: 'Pretraining mix',
      term: 'ptxCoef (gamma)',
      help: 'Goes on with the text of pretraining beside PPO, so that less is forgotten.',
      unit: '',
      min: 0,
      max: 100,
      integer: false,
      source: 'InstructGPT, equation 2, with 27.8 at its scale',
    },
    sharedValue: {
      label: 'Value head on the policy',
      term: 'shared value model',
      help: 'One network says the words and judges them; otherwise the value model is a network of its own.',
      unit: '',
      min: 0,
      max: 1,
      integer: true,
      source: 'lm-human-preferences',
    },
    valueFromReward: {
      label: 'Value from the reward model',
      term: 'value model initialisation',
      help: 'A value model of its own starts from the reward model; otherwise from SFT, with a head of zeros.',
      unit: '',
      min: 0,
      max: 1,
      integer: true,
      source: 'InstructGPT, appendix C.4',
    },
    emaDecay: EMA_DECAY,
    adamEpsilon: {
      label: "Adam's epsilon",
      term: 'epsilon',
      help: 'What keeps steps small where gradients are tiny. Too large, and nothing moves.',
      unit: '',
      min: 1e-12,
      max: 1,
      integer: false,
      source: 'lm-human-preferences, in the form of TensorFlow 1',
    },
    topK: {
      label: 'Sample the top k only',
      term: 'top-k in rollouts',
      help: 'The sampler is then another policy than the one that is scored. 0 is off.',
      unit: '',
      min: 0,
      max: 1024,
      integer: true,
      source: '',
      mistake: true,
    },
    scoreScale: {
      label: 'Score times',
      term: 'reward scale',
      help: 'What the score is multiplied by: -1 is the mistake of a wrong sign.',
      unit: '',
      min: -100,
      max: 100,
      integer: false,
      source: 'Ziegler et al. 2019, section 4.4, tell of it',
      mistake: true,
    },
    scoringDropout: {
      label: 'Dropout while scoring',
      term: 'dropout',
      help: 'The log-probs of the rollout are then those of another network. 0 is off.',
      unit: 'share',
      min: 0,
      max: 0.9,
      integer: false,
      source: '',
      mistake: true,
    },
    whitenPadding: mistake(
      'Whiten over padding',
      'unmasked whitening',
      'Padding counts in the mean and the deviation of the advantages.',
    ),
  },
  policyGradient: {
    updates: count('Updates', 'updates', 'Rounds of sampling and learning.', 'updates', 10000, MEASURED),
    prompts: count('Prompts an update', 'G', 'Prompts sampled in one round.', 'prompts', 512, MEASURED),
    replies: count('Replies of each', 'K', 'Replies that are judged by each other.', 'replies', 64, MEASURED),
    epochs: count('Passes', 'epochs', 'How often each round of replies is learned from.', 'epochs', 16, MEASURED),
    minibatchSize: count('Minibatch', 'minibatchSize', 'Replies in one optimiser step.', 'episodes', 512, MEASURED),
    learningRate: rate('lr', 'How far each step moves the policy; falls to 0 over the run.', MEASURED),
    klCoef: {
      ...KL_COEF,
      help: 'What a nat of drift takes off the reward. For online DPO it is beta. ' + KL_AS_REWARD,
    },
    adaptiveKl: { ...ADAPTIVE_KL, help: ADAPTIVE_KL.help + ' A leash of 0 stays.' },
    klTarget: KL_TARGET,
    klHorizon: KL_HORIZON,
    klLoss: { ...KL_LOSS, source: 'Schulman 2020; GRPO, equation 4, has k3' },
    klLossCoef: KL_LOSS_COEF,
    clipRange: { ...CLIP_RANGE, label: 'Clip below', max: 1e9, help: 'How far odds may fall in one update.' },
    clipRangeHigh: {
      ...CLIP_RANGE,
      label: 'Clip above',
      term: 'clipRangeHigh',
      max: 1e9,
      help: 'How far odds may climb in one update.',
      source: 'DAPO (arXiv:2503.14476), equation 10',
    },
    entropyCoef: ENTROPY_COEF,
    temperature: ROLLOUT_TEMPERATURE,
    maxNewTokens: count('Longest reply', 'R', 'Tokens after which a reply is cut.', 'tokens', 200, MEASURED),
    missingEosPenalty: MISSING_EOS_PENALTY,
    maxGradNorm: MAX_GRAD_NORM,
    aggregation: AGGREGATION,
    ruleWeight: RULE_WEIGHT,
    emaDecay: EMA_DECAY,
    guardCoef: GUARD_COEF,
  },
  preferences: {
    epochs: count('Passes', 'epochs', 'How often each ranking is seen.', 'epochs', 50, MEASURED),
    rankingsPerStep: count(
      'Batch',
      'rankings a step',
      'Rankings a step sees; thumbs, for KTO.',
      'rankings',
      64,
      MEASURED,
    ),
    learningRate: rate('lr', 'How far each step moves the policy; falls to 0 over the run.', MEASURED),
    beta: {
      label: 'Leash',
      term: 'beta',
      help: 'How sure of a preference the policy has to be for a given drift. ORPO: the weight of the penalty.',
      unit: '',
      min: 0.001,
      max: 100,
      integer: false,
      source: 'DPO, equation 7',
    },
    gamma: {
      label: 'Margin',
      term: 'gamma',
      help: 'By how much the better reply must win.',
      unit: '',
      min: 0,
      max: 100,
      integer: false,
      source: 'SimPO, equation 6',
    },
    labelSmoothing: {
      label: 'Share of wrong labels',
      term: 'label smoothing',
      help: 'How often a ranking is taken to be the wrong way round.',
      unit: 'share',
      min: 0,
      max: 0.49,
      integer: false,
      source: 'Mitchell 2023; Chowdhury et al. 2024, equation 12',
    },
    guardCoef: GUARD_COEF,
  },
  chat: {
    temperature: {
      label: 'Temperature',
      term: 'temperature',
      help: '0 always takes the likeliest word; higher is more varied.',
      unit: '',
      min: 0,
      max: 2,
      integer: false,
      source: '',
    },
    topK: {
      label: 'Top k',
      term: 'topK',
      help: 'Only the k likeliest words; 0 is off.',
      unit: '',
      min: 0,
      max: 1024,
      integer: true,
      source: '',
    },
    topP: {
      label: 'Top p',
      term: 'topP',
      help: 'Only the likeliest words that make up this share; 1 is off.',
      unit: '',
      min: 0.01,
      max: 1,
      integer: false,
      source: 'Holtzman et al. 2019',
    },
    maxNewTokens: count('Longest reply', 'R', 'Tokens after which a reply is cut.', 'tokens', 200, MEASURED),
  },
};
