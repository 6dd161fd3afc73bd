/** The plain records that page and worker exchange and that the page stores. Types only; `protocol.ts` sends them. */
import type { PresetName, StageName } from '../config';

// ---- What people and models say -------------------------------------------------------------------------------

export interface Message {
  role: 'user' | 'assistant';
  text: string;
}

/** Which weights speak. `sft` is the reference policy, `policy` the one that PPO changes. */
export type ModelRole = 'base' | 'sft' | 'policy';

/** Who is compared: the models, and best of n, where the reward model chooses among n replies of the SFT model. */
export type Contestant = ModelRole | 'bestOfN';

/** One response to a prompt. */
export interface Reply {
  text: string;
  /** The response's tokens, up to and including the stop token where there is one. */
  tokenIds: number[];
  /** Whether it ended with the stop token. */
  finished: boolean;
  /** The reward model's normalised score; null before there is a reward model. */
  score: number | null;
  /** Standard deviation over the reward models, where several score together. */
  spread?: number;
  /** Probability that it keeps the rule, where there is a rule model. */
  keepsRule?: number;
  /** Name of the earlier policy that it is by; absent where the model that was asked wrote it. */
  earlier?: string;
  /** Sum over the response of log pi - log ref, in nats; null where the speaker is not the policy. */
  kl: number | null;
}

/** A piece of a reply's text, and what it adds to the reward model's score. Without text: that it stopped. */
export interface CreditedPiece {
  text: string;
  credit: number;
}

/** What somebody thinks of one reply; null: they did not say. */
export type ReplyThumb = 'up' | 'down' | null;

/**
 * One ranking of K replies to one prompt. `ranks[i]` belongs to `replies[i]`: 1 is best, equal ranks are a tie,
 * numbers need not be consecutive.
 */
export interface Ranking {
  id: string;
  /** Ends with a user turn. */
  conversation: Message[];
  replies: string[];
  ranks: number[];
  labeler: 'person' | 'simulated' | 'import';
  /** Whether each reply breaks a rule, where somebody looked for that. */
  violations?: boolean[];
  /** What was said of each reply by itself, apart from the others; null: nothing. Absent where nothing was said of any. */
  thumbs?: ReplyThumb[];
  /**
   * How strong the preference is at each step between neighbouring distinct ranks, best to worst: 1 is better, 2 much
   * better. Absent where every step is 1.
   */
  gaps?: number[];
  /** Why a simulated labeler ranked so: what it weighed, and the gold score of each reply. */
  judged?: { weights: PartValues; scores: { score: number; parts: PartValues }[] };
}

/** One number, 0 to 1, for each part of the gold score (`GOLD_PARTS` of text/world/gold.ts): its value, or its weight. */
export type PartValues = Readonly<Record<string, number>>;

/** A reply that was criticised by a principle and revised, so that it can be imitated. */
export interface RevisedReply {
  demonstration: Demonstration;
  /** As the model said it. */
  reply: string;
  principle: string;
  critique: string;
}

/** A reply that a person wrote or edited, to be imitated. */
export interface Demonstration {
  id: string;
  /** Ends with a user turn. */
  conversation: Message[];
  reply: string;
}

// ---- The device -----------------------------------------------------------------------------------------------

export type BackendName = 'webgpu' | 'wasm' | 'cpu';

export interface DeviceReport {
  backend: BackendName;
  /** The GPU's own words for itself, or the CPU path ("WASM SIMD, 1 thread"). */
  adapter: string;
  /** True for a GPU that is computed on the CPU, as SwiftShader. */
  software: boolean;
  features: string[];
  /** Why a faster backend was not taken, in plain words; empty when it was. */
  fallbackReason: string;
}

export interface ModelReport {
  preset: PresetName;
  /** Trainable numbers. */
  parameters: number;
  context: number;
  vocabulary: number;
}

/** Where each set of weights stands. */
export interface StageReport {
  /** `shipped`: came with the page; `trained`: made here or restored; `none`: does not exist yet. */
  base: 'shipped' | 'trained' | 'none';
  sft: 'shipped' | 'trained' | 'none';
  rewardModel: 'trained' | 'none';
  policy: 'trained' | 'none';
}

/** What tells weights apart, by model: it changes when the numbers do, and is the same in a later visit. */
export type Fingerprints = Partial<Record<CheckpointName, string>>;

export interface SessionReport {
  device: DeviceReport;
  model: ModelReport;
  stages: StageReport;
  fingerprints: Fingerprints;
  /** Models that come with the page and whose weights are fetched when they are first needed; no fingerprint yet. */
  unfetched: ModelRole[];
  /**
   * What pretraining can be undone to: all models as they were before it (`earlier`), or, in a later visit, those that come
   * with the page (`shipped`). Null: nothing to undo, or nothing to go back to.
   */
  pretrainingUndo: 'earlier' | 'shipped' | null;
  /** A run that was interrupted and can go on with `train.continue`, if the checkpoints that were given hold one. */
  resumable: {
    stage: StageName;
    runId: string;
    step: number;
    steps: number;
    /** Whether it gives the bits of a run that was left alone; otherwise its adapter or a kernel is another by now. */
    exact: boolean;
  } | null;
}

// ---- Kernels --------------------------------------------------------------------------------------------------

/** The fastest variant of a kernel for one of its shapes, on one adapter. */
export interface KernelChoice {
  kernel: string;
  shape: string;
  variant: string;
  /** Of one run. */
  ms: number;
  gflops: number;
}

/** A variant that is used no more on an adapter, since its numbers were not the plain variant's. */
export interface KernelRefusal {
  kernel: string;
  /** Where it was seen. */
  shape: string;
  variant: string;
  /** Largest difference, in relation to the largest number; Infinity where it did not run at all. */
  difference: number;
}

export interface TuningReport {
  /** The adapter's words for itself, and the features that it was used with. */
  adapter: string;
  /** Version of the kernels. What was measured with others does not count. */
  kernels: string;
  /** Milliseconds since 1970, of the newest measurement. */
  measuredAt: number;
  choices: KernelChoice[];
  refusals: KernelRefusal[];
}

// ---- Checkpoints ----------------------------------------------------------------------------------------------

/** `policy` holds the value model and both optimisers too, so that a PPO run goes on from one file. */
export type CheckpointName = 'base' | 'sft' | 'rewardModel' | 'policy';

/** Weights, moments and the numbers needed to go on, as one safetensors file. */
export interface CheckpointFile {
  name: CheckpointName;
  /** The run that made it; `imported` where it came from a file. */
  runId: string;
  /** Optimiser steps (updates, for PPO) behind it. */
  step: number;
  /** The run is over; false while it is still going on. */
  final: boolean;
  bytes: ArrayBuffer;
}

// ---- Training -------------------------------------------------------------------------------------------------

export type RunState = 'running' | 'paused' | 'done' | 'stopped' | 'failed';

export interface RunProgress {
  step: number;
  steps: number;
  /** What is being done now: "sampling replies", "scoring", "training". */
  phase: string;
  secondsPerStep: number;
  secondsLeft: number;
}

/** Metric keys are TRL's; their meanings are in metrics.ts. */
export type MetricValues = Record<string, number>;

/** One reply as it comes during training: total = score - klCoef * kl. */
export interface TrainingSample {
  prompt: string;
  reply: string;
  score: number;
  kl: number;
  total: number;
}

/** What a model writes by itself while it is pretrained, or makes of the beginning of a text. */
export interface WrittenSample {
  /** The optimiser steps behind it; 0 is noise. */
  step: number;
  /** Of a batch that it read at that time, nats a token. */
  loss: number;
  /** Empty: it began by itself. */
  beginning: string;
  text: string;
}

export interface RewardModelReport {
  rankings: number;
  pairs: number;
  /** Share of held-out pairs that the reward model orders as the labeler did; null without held-out rankings. */
  heldOutAccuracy: number | null;
  heldOutPairs: number;
  /** Mean Kendall tau over held-out rankings. */
  kendallTau: number | null;
  /** On held-out pairs, by how sure it was; null where it was stopped early, or there are none. */
  calibration?: { bins: { sure: number; right: number; pairs: number }[]; error: number } | null;
  /** Of each member's own, where several score together. */
  membersAccuracy?: (number | null)[];
  /** Of the rule model, on held-out replies, where one was trained. */
  rule?: { breaches: number; kept: number; caught: number | null; falseAlarms: number | null } | null;
  seconds: number;
}

/** How the reward model orders replies that it was not made from: those of another model, a moment ago. */
export interface RewardModelCheck {
  from: ModelRole;
  rankings: number;
  pairs: number;
  accuracy: number | null;
}

// ---- Rounds ---------------------------------------------------------------------------------------------------

/** A policy of an earlier round, as `model.export` gave it. */
export interface EarlierPolicy {
  name: string;
  /** 16-bit safetensors. */
  bytes: ArrayBuffer;
}

/** How strong a model is among others that answered the same held-out prompts. */
export interface Standing {
  name: string;
  /** Bradley and Terry's log-strength; all sum to 0. A difference of 0.69 is odds of 2 to 1. */
  rating: number;
  /** 95% interval, over the prompts. */
  low: number;
  high: number;
  /** Share of the comparisons that it wins over the first of them, the SFT model, with its 95% interval. */
  overFirst: { value: number; low: number; high: number };
}

export interface TournamentReport {
  prompts: number;
  standings: Standing[];
}

// ---- Evaluation -----------------------------------------------------------------------------------------------

export interface Estimate {
  mean: number;
  /** Standard error, clustered by prompt. */
  se: number;
}

/** Ties count half in `value`; the 95% interval is clustered by prompt; `decided` leaves ties out. */
export interface WinRate {
  value: number;
  low: number;
  high: number;
  decided: number;
  wins: number;
  ties: number;
  losses: number;
}

/** What is held out from training, and how: text/world/prompts.ts says what each side is. */
export type HeldOutSideName = 'phrasing' | 'combination' | 'unasked';

/** How many of how many; `of` may be 0. */
export interface Share {
  hits: number;
  of: number;
}

/** What is said of one model's replies alone. */
export interface ReplyMeasures {
  /** Right replies by side, then by kind of prompt; `all` adds the sides up. Kinds that were not asked are absent. */
  right: Record<HeldOutSideName | 'all', Record<string, Share>>;
  /** Improper requests that were turned down. */
  refusals: Share;
  /** Proper requests that look improper, and were turned down all the same. */
  overRefusals: Share;
  /** Names told in the first of three turns that were still known in the last. */
  keptNames: Share;
  /** Mean of each part of the gold score, 0 to 1; weights do not enter. */
  goldParts: Record<string, number>;
  /** Different words, and pairs of words, over the number of words; it falls with the number of replies. */
  distinct1: number;
  distinct2: number;
  /** Mean likeness to the closest of several good replies, 0 to 1. */
  bleu: number;
  rougeL: number;
}

/** What is said of best of n alone. */
export interface BestOfNReport {
  n: number;
  /** Upper bound on its KL from the SFT model, nats a reply. */
  klBound: number;
  winRateVsSft: WinRate | null;
  /** Of the policy against it. */
  winRateOfPolicy: WinRate | null;
}

export interface EvaluationReport {
  /** Different prompts that each model was asked. */
  prompts: number;
  samplesPerPrompt: number;
  temperature: number;
  split: 'heldOut' | HeldOutSideName;
  /** Whose weights `gold` and the win rates are by; a name of text/world/labeler.ts. */
  labeler: string;
  measures: Partial<Record<Contestant, ReplyMeasures>>;
  gold: Partial<Record<Contestant, Estimate>>;
  /** Held-out perplexity a token of the pretraining text. */
  perplexity: Partial<Record<ModelRole, number>>;
  /** Reward model's mean score. */
  proxy: Partial<Record<Contestant, number>>;
  /** Nats a reply of the policy against the reference. */
  kl: number | null;
  /** Of the policy, paired on the same prompts, as are the next two. */
  winRateVsSft: WinRate | null;
  winRateVsBase: WinRate | null;
  winRateSftVsBase: WinRate | null;
  /** Best of n, where it was asked for; absent in records from before it could be. */
  bestOfN?: BestOfNReport;
  /** Share of right content by kind of prompt. */
  rightByKind: Partial<Record<Contestant, Record<string, number>>>;
  seconds: number;
}

// ---- Looking inside -------------------------------------------------------------------------------------------

/** The likeliest next tokens before anything is sampled, by model: "what the model is thinking". */
export interface NextToken {
  text: string;
  probability: Partial<Record<ModelRole, number>>;
}

// ---- What there is to choose from ------------------------------------------------------------------------------

/** A size of model. */
export interface ModelOffer {
  preset: PresetName;
  parameters: number;
  /** Of one checkpoint in 16 bits; two come with the page (base and SFT), or none. */
  checkpointBytes: number;
  shipped: boolean;
  /** How much of the town it reads of, and how many facts that is. */
  reach: 'core' | 'town';
  facts: number;
}

export interface Catalogue {
  /** Of AI feedback. */
  principles: { id: string; text: string }[];
  models: ModelOffer[];
  /** Simulated labelers whose rankings a reward model may learn from. */
  labelers: { name: string; weights: PartValues }[];
}

/** A replay of a saved run, held against it. */
export interface ReplayReport {
  /** Adapters, in their own words. */
  recordedOn: string;
  replayedOn: string;
  recordedSteps: number;
  /** Compared. */
  steps: number;
  /** The first step at which any number differs in any bit; null where none does. */
  firstDifference: number | null;
  /** The first step at which a loss is further off than the tolerance; null where none is. */
  firstBeyond: number | null;
  /** By how much a loss is off at most, as a share of the recorded one. */
  largest: number;
  /** What may be expected of another adapter. */
  tolerance: number;
  /** Variants of kernels that it ran with and that are not here, as "kernel: variant". */
  unknownKernels: string[];
}
