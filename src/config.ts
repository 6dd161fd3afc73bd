/**
 * Every hyper-parameter and its default; range, unit and where it comes from are in settingInfo.ts.
 *
 * The page makes its settings from settingInfo.ts, the stages read the values, and a run stores those that it used.
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

/** Replies of which the reward model may choose one in Compare (best of n). */
export const BEST_OF = [2, 4, 8, 16] as const;
export const DEFAULT_BEST_OF = 4;

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
  /** For a width of 64; wider models take less in proportion (rlhf/schedule.ts, `rateForWidth`). */
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
  /** Reward models that are trained on the same rankings from other seeds, and score together. */
  members: number;
  /** 1: a rule model is trained beside it, where replies were flagged. */
  ruleModel: number;
}

/** What `RewardModelSettings.loss` stands for, in order; formulas in rlhf/rankingLoss.ts. */
export const RANKING_LOSSES = ['all pairs', 'whole ranking', 'best only'] as const;

/** What `aggregation` stands for, in order: what the scores of several reward models come to; rlhf/rewardEnsemble.ts. */
export const AGGREGATIONS = ['mean', 'minimum', 'lower bound'] as const;

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
  /** What several reward models pay together: a place in `AGGREGATIONS`. */
  aggregation: number;
  /** What a nat of likely breach takes off the score, where there is a rule model. */
  ruleWeight: number;
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

/** Of the methods that judge replies by each other, and need no value model. */
export interface PolicyGradientSettings {
  updates: number;
  /** G: prompts of an update. */
  prompts: number;
  /** K: replies of each; at least 2 where a method compares them. */
  replies: number;
  epochs: number;
  /** M: replies of an optimiser step. */
  minibatchSize: number;
  learningRate: number;
  /** beta: what a nat of drift takes off the reward. */
  klCoef: number;
  /** The KL that is added to the loss: a place in `KL_LOSSES`. */
  klLoss: number;
  klLossCoef: number;
  clipRange: number;
  clipRangeHigh: number;
  entropyCoef: number;
  temperature: number;
  maxNewTokens: number;
  missingEosPenalty: number;
  maxGradNorm: number;
  /** What several reward models pay together: a place in `AGGREGATIONS`. */
  aggregation: number;
  /** What a nat of likely breach takes off the score, where there is a rule model. */
  ruleWeight: number;
  /** 1: the controller moves klCoef towards klTarget, unless klCoef is 0; 0: klCoef stays. */
  adaptiveKl: number;
  /** Nats a reply. */
  klTarget: number;
  /** Episodes over which the controller corrects. */
  klHorizon: number;
  /** Of the slower copy that the run ends with; 0 is off. */
  emaDecay: number;
  /** Weight of the guard of online DPO, the likelihood of the best replies; 0 is off. */
  guardCoef: number;
}

/** Of the methods that learn from rankings with no reward model in between. */
export interface PreferenceSettings {
  epochs: number;
  /** Of an optimiser step; thumbs, for KTO. */
  rankingsPerStep: number;
  learningRate: number;
  /** Each method says what it is; > 0. */
  beta: number;
  /** SimPO's margin. */
  gamma: number;
  /** Probability that a label is wrong, 0 to below 0.5; for the methods that ask for it. */
  labelSmoothing: number;
  /** Weight of the guard, the likelihood of the best replies; 0 is off. */
  guardCoef: number;
}

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
  policyGradient: PolicyGradientSettings;
  preferences: PreferenceSettings;
  chat: SamplingSettings;
}

export type StageName = 'pretrain' | 'sft' | 'rewardModel' | 'ppo';

/** What the methods that sample replies share. */
const ROLLOUT = {
  updates: 24,
  learningRate: 4e-4,
  klCoef: 0.3,
  clipRange: 0.2,
  entropyCoef: 0,
  temperature: 1,
  maxNewTokens: MAX_RESPONSE_TOKENS,
  missingEosPenalty: 1,
  maxGradNorm: 1,
  aggregation: 0,
  ruleWeight: 1,
  adaptiveKl: 1,
  klTarget: 2,
  klHorizon: 640,
  emaDecay: 0,
};

export const DEFAULT_SETTINGS: Settings = {
  pretrain: { steps: 5000, batchSize: 16, sequenceLength: 128, learningRate: 5e-3, warmupSteps: 50 },
  // So many because a base model of the town goes on instead of answering, and has to learn to answer; each once, for what
  // is seen again is learnt by heart, the rude replies with it.
  sft: { examples: 36_000, epochs: 1, batchSize: 16, learningRate: 2e-3, padIsStop: 0 },
  rewardModel: {
    epochs: 8,
    rankingsPerStep: 8,
    learningRate: 2e-3,
    centreCoef: 0,
    loss: 0,
    ties: 0,
    margin: 0,
    normalise: 1,
    mostRankings: 0,
    spoiled: 0,
    spoiledShare: 1,
    members: 1,
    ruleModel: 0,
  },
  ppo: {
    ...ROLLOUT,
    batchSize: 128,
    ppoEpochs: 4,
    minibatchSize: 32,
    valueLearningRate: 1e-3,
    clipRangeValue: 0.2,
    vfCoef: 0.1,
    gamma: 1,
    lam: 0.95,
    dualClip: 0,
    klLoss: 0,
    klLossCoef: 0.1,
    ptxCoef: 0,
    sharedValue: 0,
    valueFromReward: 1,
    adamEpsilon: 1e-5,
    topK: 0,
    scoreScale: 1,
    scoringDropout: 0,
    whitenPadding: 0,
  },
  // RLOO's and DPO's; what other methods change is in methods.ts.
  policyGradient: {
    ...ROLLOUT,
    prompts: 32,
    replies: 4,
    epochs: 2,
    minibatchSize: 32,
    klLoss: 0,
    klLossCoef: 0,
    clipRangeHigh: 0.2,
    guardCoef: 0,
  },
  // Measured for nano with 200 rankings: twice the rate, or a beta of 0.1, drifts by more nats and wins less; a fifth of the
  // rate learns little.
  preferences: {
    epochs: 4,
    rankingsPerStep: 8,
    learningRate: 5e-4,
    beta: 0.5,
    gamma: 0,
    labelSmoothing: 0.1,
    guardCoef: 0,
  },
  chat: { temperature: 0.8, topK: 0, topP: 1, maxNewTokens: MAX_RESPONSE_TOKENS },
};
