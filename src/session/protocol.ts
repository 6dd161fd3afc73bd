/**
 * Everything that passes between the page and the worker: plain data and transferables, no classes, no casts.
 * Types only; the records are in `protocolData.ts`. The page sends a `Command` with an id; the worker answers that id
 * with the command's `Results` entry or an error, and sends `SessionEvent`s at any time.
 */
import type { PresetName, SamplingSettings, Settings, StageName } from '../config';
import type { PlainError } from '../errors';
import type { MethodName } from '../methods';
import type {
  BackendName,
  Catalogue,
  CheckpointFile,
  CheckpointName,
  CreditedPiece,
  Demonstration,
  DeviceReport,
  EarlierPolicy,
  EvaluationReport,
  HeldOutSideName,
  Message,
  MetricValues,
  ModelRole,
  NextToken,
  PartValues,
  Ranking,
  ReplayReport,
  Reply,
  RevisedReply,
  RewardModelCheck,
  RewardModelReport,
  RunProgress,
  RunState,
  SessionReport,
  TournamentReport,
  TrainingSample,
  TuningReport,
  WrittenSample,
} from './protocolData';

export type * from './protocolData';

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
      /** Of PPO. */
      settings: Settings['ppo'];
      /** Another method than PPO. */
      method?: MethodRequest | null;
      /** Single user turns typed by the person, mixed in with the world's prompts. */
      extraPrompts: string[];
      /** Go on from the policy as it is (true) or from the reference (false). */
      continuePolicy: boolean;
      /** A function of the person's own that pays for replies as well. */
      ownReward?: OwnReward | null;
      startPaused?: boolean;
    };

/** A method other than PPO, with what it is run with. */
export type MethodRequest =
  | { family: 'policyGradient'; name: MethodName; settings: Settings['policyGradient'] }
  | { family: 'preferences'; name: MethodName; settings: Settings['preferences']; rankings: Ranking[] };

/** A reward function in the page's own words; it runs in the page's sandbox. */
export interface OwnReward {
  code: string;
  /** What a point of it counts, in standard deviations of the reward model. */
  weight: number;
  /** What the reward model's score counts beside it; 0 leaves it out, and then there need be none. */
  modelWeight: number;
}

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
    /** Half of the replies come from this policy of an earlier round. */
    against?: EarlierPolicy;
  };
  /** Best of n: the SFT model replies `n` times, the reward model chooses; streams `reply.partial`. */
  'chat.bestOf': { jobId: string; conversation: Message[]; n: number; sampling: SamplingSettings; seed: number };
  /** The likeliest next tokens after a conversation, for every model there is. */
  'chat.inspect': { conversation: Message[]; count: number };
  /** What each word of replies adds to their scores, by the reward model. */
  'chat.credit': { conversation: Message[]; replies: number[][] };
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
    /** AI feedback: each prompt is ranked by one of these, drawn for it, and by nothing else. */
    principles?: string[];
  };
  /** AI feedback: replies to `count` prompts, each criticised by a principle and revised. */
  'feedback.revise': { jobId: string; count: number; from: ModelRole; principles: string[]; seed: number };
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
    /** Best of so many replies of the SFT model as well, which costs as much as so many models; absent: not measured. */
    bestOf?: number;
  };
  'job.cancel': { jobId: string };
  /** What the page's sandbox said to `reward.ask`. */
  'reward.answer': { askId: number; rewards: number[] } | { askId: number; error: PlainError };
  /** Weights as a safetensors file in GPT-2's Hugging Face names, of 16 bits unless they are to be `exact`. */
  'model.export': { name: CheckpointName; exact?: boolean };
  /** Replaces a model by a safetensors file of the same shape. */
  'model.import': { name: 'base' | 'sft'; bytes: ArrayBuffer };
  /** Makes the policy of an earlier round the policy. */
  'policy.bringBack': { bytes: ArrayBuffer };
  /** The SFT model and policies of earlier rounds against each other, on held-out prompts. */
  'policies.rate': {
    jobId: string;
    policies: EarlierPolicy[];
    prompts: number;
    seed: number;
    /** What the judge weighs; the balanced labeler's unless told otherwise. */
    weights?: PartValues;
  };
  /** Drift check: replies of a model as it is now, ranked by the simulated labeler and by the reward model. */
  'rewardModel.check': {
    jobId: string;
    from: ModelRole;
    rankings: number;
    seed: number;
    /** What the labeler weighs; the balanced one's unless told otherwise. */
    weights?: PartValues;
  };
  /** A run of this visit as a file that another browser can replay. */
  'run.save': { runId: string };
  /** Runs a saved run again, beside the models that are in use, and compares its numbers. */
  'run.replay': { jobId: string; bytes: ArrayBuffer };
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
  /** All n replies, best first. `klBound`: upper bound on the KL of what is chosen from the SFT model, nats a reply. */
  'chat.bestOf': { replies: Reply[]; klBound: number };
  'chat.inspect': { tokens: NextToken[] };
  'chat.credit': { replies: CreditedPiece[][] };
  catalogue: Catalogue;
  /** `text` is the person's turn, `history` the turns before it. */
  'world.prompt': { history: Message[]; text: string };
  'rank.simulate': { rankings: Ranking[] };
  'feedback.revise': { revisions: RevisedReply[] };
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
  'reward.answer': null;
  'model.export': { bytes: ArrayBuffer; fileName: string };
  'model.import': SessionReport;
  'policy.bringBack': SessionReport;
  'policies.rate': TournamentReport;
  'rewardModel.check': RewardModelCheck;
  'run.save': { bytes: ArrayBuffer; fileName: string };
  'run.replay': ReplayReport;
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
  /** Replies for the person's own reward function; answered by `reward.answer`. */
  | { type: 'reward.ask'; askId: number; code: string; items: { prompt: string; reply: string }[] }
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
