/**
 * Every hyper-parameter: its default, range, unit, and the paper, code or measurement that it comes from.
 *
 * The page makes its settings from `SETTINGS`, the stages read the values, and a run stores the values that it used.
 * Defaults are for this scale (0.1 to 5 million parameters): the published ones, made for models a thousand times
 * larger, are 20 to 40 times too small in learning rate and three times too large in KL target here.
 */

/** The shape of a GPT. Letters: L layers, C width, H heads, N context, V vocabulary. */
export interface ModelShape {
  /** L */
  layers: number;
  /** C, a multiple of H */
  width: number;
  /** H */
  heads: number;
  /** N, in tokens */
  context: number;
  /** V */
  vocabulary: number;
}

export type PresetName = 'nano' | 'mini' | 'midi' | 'small';

export const PRESETS: Record<PresetName, ModelShape> = {
  // With 512 tokens half of the values of the town's core are in pieces, and text is a third longer; with 768 none is.
  nano: { layers: 2, width: 64, heads: 2, context: 128, vocabulary: 768 },
  mini: { layers: 4, width: 128, heads: 4, context: 128, vocabulary: 1024 },
  // For the comparison of sizes (RESULTS.md): eleven times nano's parameters, nano's tokenizer, and nano's text.
  midi: { layers: 5, width: 160, heads: 5, context: 128, vocabulary: 768 },
  small: { layers: 6, width: 256, heads: 8, context: 256, vocabulary: 1024 },
};

/** Presets whose weights are shipped with the page. */
export const SHIPPED_PRESETS: readonly PresetName[] = ['nano', 'mini'];

/**
 * How much of the town a model reads of and is asked about: its core, or all hundred people. The smallest has neither
 * room nor vocabulary for all (text/world/world.ts).
 */
export const REACH: Record<PresetName, 'core' | 'town'> = { nano: 'core', mini: 'town', midi: 'core', small: 'town' };

/** The seed of the world that the shipped models were pretrained on; its facts never change. */
export const WORLD_SEED = 7;

/** Replies a prompt gets (K) when a person ranks. InstructGPT used 4 to 9. */
export const REPLIES_PER_PROMPT = 4;

/** What the loop that runs by itself (autopilot, `npm run demo`, results) takes unless told otherwise. */
export const LOOP = {
  /** That the simulated labeler makes. */
  rankings: 300,
  /** More of them, which only judge the reward model; none of them is trained on. */
  heldOutRankings: 100,
  /** Held-out, to measure on. */
  prompts: 300,
} as const;

/** Longest reply, in tokens, the stop token included (R). */
export const MAX_RESPONSE_TOKENS = 40;

/** Layer norm's epsilon, as GPT-2. */
export const LAYER_NORM_EPSILON = 1e-5;

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
  /** What the numbers from `min` on stand for, where they are names. */
  choices?: readonly string[];
  source: string;
  /** Nobody should want it, but to see what it does: a switch of a lesson. */
  mistake?: true;
}

export interface PretrainSettings {
  steps: number;
  batchSize: number;
  sequenceLength: number;
  learningRate: number;
  warmupSteps: number;
}

export interface SftSettings {
  examples: number;
  epochs: number;
  batchSize: number;
  learningRate: number;
  /** 1: the stop token is taken for padding, so the loss never sees it. A mistake, for a lesson. */
  padIsStop: number;
}

export interface RewardModelSettings {
  epochs: number;
  /** Rankings (each with all its replies and pairs) an optimiser step sees. */
  rankingsPerStep: number;
  learningRate: number;
  /** Coefficient of (r_chosen + r_rejected)^2; 0 is off. */
  centreCoef: number;
  /** What is learnt of a ranking: a place in `RANKING_LOSSES`. */
  loss: number;
  /** What a tie teaches: a place in `TIE_RULES`. */
  ties: number;
  /** By how much a reply must win for every rank that it is ahead; 0 is off. */
  margin: number;
  /** 1: replies of the SFT model score mean 0, deviation 1. 0 leaves the scale to chance: a mistake, for a lesson. */
  normalise: number;
  /** Rankings that are learnt from at most; 0 is all. */
  mostRankings: number;
  /** What is done to rankings before they are learnt from: a place in `SPOILED_LABELS`. Mistakes, for lessons. */
  spoiled: number;
  /** Share of the rankings that it is done to. */
  spoiledShare: number;
}

/** What `RewardModelSettings.loss` stands for, in order; formulas in rlhf/rankingLoss.ts. */
export const RANKING_LOSSES = ['all pairs', 'whole ranking', 'best only'] as const;

/** What `RewardModelSettings.ties` stands for, in order. */
export const TIE_RULES = ['drop', 'half'] as const;

/** What `RewardModelSettings.spoiled` stands for, in order; see rlhf/spoiledLabels.ts. */
export const SPOILED_LABELS = ['none', 'reversed', 'longest first', 'shortest first'] as const;

export interface PpoSettings {
  updates: number;
  /** Prompts an update samples, one reply each (B). */
  batchSize: number;
  ppoEpochs: number;
  minibatchSize: number;
  learningRate: number;
  valueLearningRate: number;
  /** Start of the KL coefficient, beta. */
  klCoef: number;
  /** 1: the controller moves klCoef towards klTarget; 0: klCoef stays. */
  adaptiveKl: number;
  /** Nats a reply. */
  klTarget: number;
  /** Episodes over which the controller corrects. */
  klHorizon: number;
  clipRange: number;
  clipRangeValue: number;
  vfCoef: number;
  gamma: number;
  lam: number;
  temperature: number;
  maxNewTokens: number;
  /** Taken off the score of a reply that never stopped. */
  missingEosPenalty: number;
  maxGradNorm: number;
  /** Most that a token of negative advantage costs, in advantages; 0 is off. */
  dualClip: number;
  entropyCoef: number;
  /** The KL that is added to the loss: a place in `KL_LOSSES`. */
  klLoss: number;
  klLossCoef: number;
  /** Weight of the pretraining loss; 0 is off. */
  ptxCoef: number;
  /** 1: the value model is a head on the policy; 0: a model of its own. */
  sharedValue: number;
  /** 1: a value model of its own starts from the reward model; 0: from the SFT model and a head of zeros. */
  valueFromReward: number;
  /** Of the slower copy that the run ends with; 0 is off. */
  emaDecay: number;
  adamEpsilon: number;
  /** Only the k likeliest words are sampled, which their log-probs know nothing of; 0 is off. A mistake, for a lesson. */
  topK: number;
  /** What the score is multiplied by: 1, or -1 for the mistake of a wrong sign. */
  scoreScale: number;
  /** Dropout of the policy while its replies are scored; 0 is off. A mistake, for a lesson. */
  scoringDropout: number;
  /** 1: advantages are whitened over padding as well. A mistake, for a lesson. */
  whitenPadding: number;
}

/** What `PpoSettings.klLoss` stands for, in order; their gradients are in rlhf/surrogateLoss.ts. */
export const KL_LOSSES = ['none', 'k1', 'k2', 'k3', 'exact'] as const;

export interface SamplingSettings {
  temperature: number;
  /** 0 is off. */
  topK: number;
  /** 1 is off. */
  topP: number;
  maxNewTokens: number;
}

export interface Settings {
  pretrain: PretrainSettings;
  sft: SftSettings;
  rewardModel: RewardModelSettings;
  ppo: PpoSettings;
  chat: SamplingSettings;
}

export type StageName = 'pretrain' | 'sft' | 'rewardModel' | 'ppo';

export const DEFAULT_SETTINGS: Settings = {
  pretrain: { steps: 5000, batchSize: 16, sequenceLength: 128, learningRate: 5e-3, warmupSteps: 50 },
  sft: { examples: 2000, epochs: 3, batchSize: 16, learningRate: 1e-3, padIsStop: 0 },
  rewardModel: {
    epochs: 6,
    rankingsPerStep: 8,
    learningRate: 1e-3,
    centreCoef: 0,
    loss: 0,
    ties: 0,
    margin: 0,
    normalise: 1,
    mostRankings: 0,
    spoiled: 0,
    spoiledShare: 1,
  },
  ppo: {
    updates: 24,
    batchSize: 64,
    ppoEpochs: 2,
    minibatchSize: 32,
    learningRate: 4e-4,
    valueLearningRate: 1e-3,
    klCoef: 0.3,
    adaptiveKl: 1,
    klTarget: 2,
    klHorizon: 640,
    clipRange: 0.2,
    clipRangeValue: 0.2,
    vfCoef: 0.1,
    gamma: 1,
    lam: 0.95,
    temperature: 1,
    maxNewTokens: MAX_RESPONSE_TOKENS,
    missingEosPenalty: 1,
    maxGradNorm: 1,
    dualClip: 0,
    entropyCoef: 0,
    klLoss: 0,
    klLossCoef: 0.1,
    ptxCoef: 0,
    sharedValue: 0,
    valueFromReward: 1,
    emaDecay: 0,
    adamEpsilon: 1e-5,
    topK: 0,
    scoreScale: 1,
    scoringDropout: 0,
    whitenPadding: 0,
  },
  chat: { temperature: 0.8, topK: 0, topP: 1, maxNewTokens: MAX_RESPONSE_TOKENS },
};

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
    examples: count('Demonstrations', 'examples', 'Worked examples the model imitates.', 'examples', 20000, MEASURED),
    epochs: count('Passes', 'epochs', 'How often each example is seen.', 'epochs', 50, MEASURED),
    batchSize: count('Batch', 'batch size', 'Examples a step sees.', 'examples', 128, MEASURED),
    learningRate: rate('lr', 'How far each step moves the weights; falls to 0 over the run.', MEASURED),
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
      help: 'Every pair of it; the order as a whole (Plackett-Luce), where a tie counts as the order shown; or which reply is best.',
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
      label: 'Margin a rank',
      term: 'margin',
      help: 'By how much a reply must win for every rank that it is ahead. Counts where every pair does.',
      unit: 'reward',
      min: 0,
      max: 10,
      integer: false,
      source: 'Llama 2, equation 2, with ranks as the strength of a preference',
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
    klCoef: {
      label: 'Leash',
      term: 'klCoef (beta)',
      help: 'How hard the model is held to what it said before. 0 lets it run into gibberish.',
      unit: '',
      min: 0,
      max: 10,
      integer: false,
      source: 'InstructGPT, equation 2; value measured at this scale',
    },
    adaptiveKl: {
      label: 'Adjust the leash',
      term: 'adaptive KL controller',
      help: '1: hold the target below; 0: keep the leash as it is.',
      unit: '',
      min: 0,
      max: 1,
      integer: true,
      source: 'Ziegler et al. 2019, section 2.2',
    },
    klTarget: {
      label: 'Target drift',
      term: 'klTarget',
      help: 'How far from the start a reply may be.',
      unit: 'nats a reply',
      min: 0.01,
      max: 100,
      integer: false,
      source: MEASURED + '; Ziegler et al. used 6 to 10',
    },
    klHorizon: {
      label: 'Horizon',
      term: 'klHorizon',
      help: 'Replies over which the leash is corrected.',
      unit: 'episodes',
      min: 1,
      max: 1e6,
      integer: true,
      source: MEASURED + ', 10 batches',
    },
    clipRange: {
      label: 'Clip',
      term: 'clipRange',
      help: 'How far one update may move the odds of a word.',
      unit: '',
      min: 0.01,
      max: 1,
      integer: false,
      source: 'PPO, equation 7',
    },
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
    temperature: {
      label: 'Temperature',
      term: 'temperature',
      help: 'Spread of the words sampled; the same everywhere in PPO.',
      unit: '',
      min: 0.1,
      max: 2,
      integer: false,
      source: MEASURED,
    },
    maxNewTokens: count('Longest reply', 'R', 'Tokens after which a reply is cut.', 'tokens', 200, MEASURED),
    missingEosPenalty: {
      label: 'No-stop penalty',
      term: 'missingEosPenalty',
      help: 'Taken off the score of a reply that does not stop.',
      unit: '',
      min: 0,
      max: 10,
      integer: false,
      source: 'TRL, missing_eos_penalty',
    },
    maxGradNorm: {
      label: 'Gradient clip',
      term: 'maxGradNorm',
      help: 'Longest gradient that is followed.',
      unit: '',
      min: 0.01,
      max: 100,
      integer: false,
      source: 'OpenRLHF',
    },
    dualClip: {
      label: 'Dual clip',
      term: 'dualClip',
      help: 'Most that a word costs which turned out bad, however likely it has become. Above 1; 0 is off.',
      unit: 'advantages',
      min: 0,
      max: 100,
      integer: false,
      source: 'Ye et al. 2020, equation 5, with 3',
    },
    entropyCoef: {
      label: 'Variety bonus',
      term: 'entropyCoef',
      help: 'Pays for not being sure of the next word.',
      unit: '',
      min: 0,
      max: 1,
      integer: false,
      source: 'PPO, equation 9, with 0.01',
    },
    klLoss: {
      label: 'Drift in the loss',
      term: 'klLoss',
      help: 'Charges the drift in the loss as well. k1 only adds noise; k2 and exact hold to the start; k3 the other way round.',
      unit: '',
      min: 0,
      max: KL_LOSSES.length - 1,
      integer: true,
      choices: KL_LOSSES,
      source: 'Schulman 2020; GRPO, equation 4',
    },
    klLossCoef: {
      label: 'Its weight',
      term: 'klLossCoef',
      help: 'What a nat of drift adds to the loss.',
      unit: '',
      min: 0,
      max: 10,
      integer: false,
      source: MEASURED,
    },
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
    emaDecay: {
      label: 'Slow copy',
      term: 'EMA decay',
      help: 'Ends with a moving average of the policy. 0 is off.',
      unit: '',
      min: 0,
      max: 0.9999,
      integer: false,
      source: 'OpenRLHF, with 0.992',
    },
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
