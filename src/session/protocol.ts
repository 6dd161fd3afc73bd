/**
 * Everything that passes between the page and the worker: plain data and transferables, no classes, no casts.
 * Types only. The page sends a `Command` with an id; the worker answers that id with the command's `Results` entry or
 * an error, and sends `SessionEvent`s at any time.
 */
import type { PresetName, SamplingSettings, Settings, StageName } from '../config';
import type { PlainError } from '../errors';

// ---- What people and models say -------------------------------------------------------------------------------

export interface Message {
  role: 'user' | 'assistant';
  text: string;
}

/** Which weights speak. `sft` is the reference policy, `policy` the one that PPO changes. */
export type ModelRole = 'base' | 'sft' | 'policy';

/** One response to a prompt. */
export interface Reply {
  text: string;
  /** The response's tokens, up to and including the stop token where there is one. */
  tokenIds: number[];
  /** Whether it ended with the stop token. */
  finished: boolean;
  /** The reward model's normalised score; null before there is a reward model. */
  score: number | null;
  /** Sum over the response of log pi - log ref, in nats; null where the speaker is not the policy. */
  kl: number | null;
}

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
  /** Why a simulated labeler ranked so: what it weighed, and the gold score of each reply. */
  judged?: { weights: PartValues; scores: { score: number; parts: PartValues }[] };
}

/** One number, 0 to 1, for each part of the gold score (`GOLD_PARTS` of text/world/gold.ts): its value, or its weight. */
export type PartValues = Readonly<Record<string, number>>;

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
  resumable: { stage: 'pretrain' | 'ppo'; runId: string; step: number; steps: number } | null;
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
  seconds: number;
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
  /** Mean of each part of the gold score, 0 to 1; weights do not enter. */
  goldParts: Record<string, number>;
  /** Different words, and pairs of words, over the number of words; it falls with the number of replies. */
  distinct1: number;
  distinct2: number;
  /** Mean likeness to the closest of several good replies, 0 to 1. */
  bleu: number;
  rougeL: number;
}

export interface EvaluationReport {
  /** Different prompts that each model was asked. */
  prompts: number;
  samplesPerPrompt: number;
  temperature: number;
  split: 'heldOut' | HeldOutSideName;
  /** Whose weights `gold` and the win rates are by; a name of text/world/labeler.ts. */
  labeler: string;
  measures: Partial<Record<ModelRole, ReplyMeasures>>;
  gold: Partial<Record<ModelRole, Estimate>>;
  /** Held-out perplexity a token of the pretraining text. */
  perplexity: Partial<Record<ModelRole, number>>;
  /** Reward model's mean score. */
  proxy: Partial<Record<ModelRole, number>>;
  /** Nats a reply of the policy against the reference. */
  kl: number | null;
  /** Of the policy, paired on the same prompts, as are the next two. */
  winRateVsSft: WinRate | null;
  winRateVsBase: WinRate | null;
  winRateSftVsBase: WinRate | null;
  /** Share of right content by kind of prompt. */
  rightByKind: Partial<Record<ModelRole, Record<string, number>>>;
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
  models: ModelOffer[];
  /** Simulated labelers whose rankings a reward model may learn from. */
  labelers: { name: string; weights: PartValues }[];
}

// ---- Commands -------------------------------------------------------------------------------------------------

export interface OpenRequest {
  preset: PresetName | 'auto';
  backend: BackendName | 'auto';
  seed: number;
  /** Folder of the shipped models, an absolute URL that ends in "/". */
  modelsUrl: string;
  /** What the page stored before; empty on a first visit. */
  checkpoints: CheckpointFile[];
  /** What was measured in earlier visits, on this adapter and on others. */
  tuning?: TuningReport[];
}

export type StartRequest =
  | { stage: 'pretrain'; runId: string; seed: number; settings: Settings['pretrain']; startPaused?: boolean }
  | {
      stage: 'sft';
      runId: string;
      seed: number;
      settings: Settings['sft'];
      demonstrations: Demonstration[];
      startPaused?: boolean;
    }
  | {
      stage: 'rewardModel';
      runId: string;
      seed: number;
      settings: Settings['rewardModel'];
      rankings: Ranking[];
      /** Never trained on; empty: one in ten of `rankings` is held out. */
      heldOut: Ranking[];
      startPaused?: boolean;
    }
  | {
      stage: 'ppo';
      runId: string;
      seed: number;
      settings: Settings['ppo'];
      /** Single user turns typed by the person, mixed in with the world's prompts. */
      extraPrompts: string[];
      /** Go on from the policy as it is (true) or from the reference (false). */
      continuePolicy: boolean;
      startPaused?: boolean;
    };

export interface Commands {
  /** Starts the device and loads the models. Always the first command. */
  'session.open': OpenRequest;
  /** K replies to a conversation; streams `reply.partial`. */
  'chat.reply': {
    jobId: string;
    conversation: Message[];
    k: number;
    from: ModelRole;
    sampling: SamplingSettings;
    seed: number;
    /** For ranking: a reply that says the same as another is sampled again, a few times at most. */
    distinct?: boolean;
  };
  /** The likeliest next tokens after a conversation, for every model there is. */
  'chat.inspect': { conversation: Message[]; count: number };
  /** What there is to choose from; needs no open session. */
  catalogue: Record<string, never>;
  /**
   * A prompt of the world that a person might like to rank. `opening`: one to begin with, a question or a greeting;
   * `talks`: also one that ends a conversation.
   */
  'world.prompt': { seed: number; opening?: boolean; talks?: boolean };
  /** The simulated labeler ranks `count` prompts of the world, `split` says from which side. */
  'rank.simulate': {
    jobId: string;
    count: number;
    k: number;
    split: 'train' | 'heldOut';
    from: ModelRole;
    temperature: number;
    seed: number;
    /** What the labeler weighs; the balanced one's unless told otherwise. */
    weights?: PartValues;
  };
  'train.start': StartRequest;
  /** Goes on with `SessionReport.resumable`. */
  'train.continue': { runId: string };
  'train.pause': { runId: string };
  'train.resume': { runId: string };
  /** One more step (one update, for PPO), then paused again. */
  'train.step': { runId: string };
  'train.stop': { runId: string };
  /** Throws the policy away and goes back to the reference. */
  'policy.reset': Record<string, never>;
  /** Goes back to what `SessionReport.pretrainingUndo` says. */
  'pretraining.undo': Record<string, never>;
  evaluate: {
    jobId: string;
    prompts: number;
    samplesPerPrompt: number;
    temperature: number;
    models: ModelRole[];
    seed: number;
    /** All that is held out, unless told otherwise. */
    split?: 'heldOut' | HeldOutSideName;
    /** Whose weights count; the balanced one's unless told otherwise. */
    labeler?: string;
  };
  'job.cancel': { jobId: string };
  /** Weights as a 16-bit safetensors file in GPT-2's Hugging Face names. */
  'model.export': { name: CheckpointName };
  /** Replaces a model by a safetensors file of the same shape. */
  'model.import': { name: 'base' | 'sft'; bytes: ArrayBuffer };
  /** Times the variants of every kernel anew, as soon as nothing else is going on; `tuning` events tell of it. */
  'tuning.measureAgain': Record<string, never>;
  memory: Record<string, never>;
  /** For tests: takes the GPU away as a driver crash would. */
  'device.destroy': Record<string, never>;
}

export interface Results {
  'session.open': SessionReport;
  /** `truncated`: the last message alone was longer than the context, so its beginning was cut. */
  'chat.reply': { replies: Reply[]; droppedTurns: number; truncated: boolean };
  'chat.inspect': { tokens: NextToken[] };
  catalogue: Catalogue;
  /** `text` is the person's turn, `history` the turns before it. */
  'world.prompt': { history: Message[]; text: string };
  'rank.simulate': { rankings: Ranking[] };
  'train.start': { runId: string };
  'train.continue': { runId: string };
  'train.pause': null;
  'train.resume': null;
  'train.step': null;
  'train.stop': null;
  'policy.reset': SessionReport;
  'pretraining.undo': SessionReport;
  evaluate: EvaluationReport;
  'job.cancel': null;
  'model.export': { bytes: ArrayBuffer; fileName: string };
  'model.import': SessionReport;
  'tuning.measureAgain': null;
  memory: { tensors: number; bytes: number };
  'device.destroy': null;
}

export type CommandName = keyof Commands;

export type CommandMessage = { [N in CommandName]: { id: number; name: N; request: Commands[N] } }[CommandName];

export type SessionEvent =
  | { type: 'reply.partial'; jobId: string; texts: string[] }
  | { type: 'job.progress'; jobId: string; done: number; total: number; what: string; secondsLeft: number }
  | { type: 'run.state'; runId: string; stage: StageName; state: RunState; error: PlainError | null }
  | { type: 'run.progress'; runId: string; stage: StageName; progress: RunProgress }
  | { type: 'run.metrics'; runId: string; stage: StageName; step: number; values: MetricValues }
  | { type: 'run.samples'; runId: string; stage: StageName; step: number; samples: TrainingSample[] }
  | { type: 'run.written'; runId: string; stage: StageName; written: WrittenSample[] }
  | { type: 'run.rewardModel'; runId: string; report: RewardModelReport }
  | { type: 'checkpoint'; file: CheckpointFile }
  /** Stages, device or model changed: after a run, a restore, an import. */
  | { type: 'session.changed'; report: SessionReport }
  /** Kernels were chosen by measurement; `left` shapes have yet to be measured. */
  | { type: 'tuning'; report: TuningReport; left: number }
  | { type: 'device.lost'; error: PlainError }
  | { type: 'device.restored'; report: DeviceReport }
  /** Something went wrong that belongs to no command. */
  | { type: 'error'; error: PlainError };

export type WorkerMessage =
  | { type: 'result'; id: number; result: Results[CommandName] }
  | { type: 'failure'; id: number; error: PlainError }
  | { type: 'event'; event: SessionEvent };
