/**
 * What is stored in the browser: the records, their keys, and the upgrades from each version to the next.
 *
 * Do not change a record type without an upgrade that makes old records into new ones: browsers hold old ones for
 * years. Times are milliseconds since 1970.
 */
import type { DBSchema, IDBPDatabase } from 'idb';
import type { PresetName, Settings, StageName } from '../config';
import type { PlainError } from '../errors';
import type { MethodName } from '../methods';
import type {
  BackendName,
  CheckpointName,
  Demonstration,
  EvaluationReport,
  Fingerprints,
  Message,
  Ranking,
  Reply,
  RewardModelReport,
  RunState,
  Standing,
  ReplyThumb,
  TrainingSample,
  PartValues,
  WrittenSample,
  TuningReport,
} from '../session/protocol';

export const DATABASE_NAME = 'nudge';

export interface ConversationRecord {
  id: string;
  messages: Message[];
  createdAt: number;
  updatedAt: number;
}

export interface RankingRecord extends Ranking {
  createdAt: number;
  /** Indices into `replies` in the order in which they were shown, first to last. */
  shownOrder: number[];
  /** From the last reply's arrival to the decision; null where no person looked. */
  milliseconds: number | null;
  /** The person said that none of the replies is good. */
  noneGood: boolean;
  /** Name of the file that it was imported from; null otherwise. */
  source: string | null;
  /** The round that each reply is by; null: the newest model. Absent where all are by one. */
  writers?: (string | null)[];
}

/** A ranking that was begun and not finished. There is at most one. */
export interface RankingDraftRecord {
  id: 'current';
  /** Ends with a user turn. */
  conversation: Message[];
  replies: Reply[];
  /** One a reply; null: no rank given yet. */
  ranks: (number | null)[];
  /** Indices into `replies` as shown. */
  order: number[];
  /** Indices of replies that were flagged for breaking the rule. */
  flagged?: number[];
  /** One a reply; absent in records from before there were any. */
  thumbs?: ReplyThumb[];
  /** As in `Ranking`. */
  gaps?: number[];
  /** Seed of the blind order. */
  seed: number;
  createdAt: number;
}

export interface DemonstrationRecord extends Demonstration {
  createdAt: number;
  /** What the model had said, where the person edited a reply; null where they wrote it from nothing. */
  editedFrom: string | null;
}

export interface MethodOfRun {
  name: MethodName;
  settings: Settings['policyGradient'] | Settings['preferences'];
}

export interface RunRecord {
  id: string;
  stage: StageName;
  preset: PresetName;
  seed: number;
  /** The settings that it used, of its own stage. */
  settings: Settings[StageName];
  /** Of a policy that was not made by PPO: how, and with what. */
  method?: MethodOfRun | null;
  state: RunState;
  step: number;
  steps: number;
  createdAt: number;
  updatedAt: number;
  /** Wall-clock seconds it trained; null while it goes on. */
  seconds: number | null;
  error: PlainError | null;
  rewardModel: RewardModelReport | null;
  /** The newest samples, for the page. */
  samples: (TrainingSample & { step: number })[];
  /** All that the model wrote while it was pretrained, oldest first; absent in records from before it was kept. */
  written?: WrittenSample[];
}

/** Up to `ROWS_PER_CHUNK` rows of a run's metrics, as columns. */
export interface MetricChunkRecord {
  runId: string;
  /** 0, 1, 2 ... in the order of time. */
  chunk: number;
  /** One a row; not ascending where a run went back to earlier weights. */
  steps: number[];
  /** One value a row; null where a metric was not reported or not finite. */
  columns: Record<string, (number | null)[]>;
}

/**
 * The bytes of a checkpoint, apart from its manifest so that manifests can be listed without them. A Blob, because the
 * browser writes it away from the page; an ArrayBuffer would be copied twice on the main thread.
 */
export interface CheckpointBlobRecord {
  id: string;
  bytes: Blob;
}

export interface CheckpointManifestRecord {
  id: string;
  /** Version of the bytes' format. */
  format: 1;
  preset: PresetName;
  name: CheckpointName;
  runId: string;
  step: number;
  final: boolean;
  /** In bytes. */
  length: number;
  /** Of the bytes, in hexadecimal; null where the browser cannot compute it (an insecure origin). */
  sha256: string | null;
  createdAt: number;
}

/** Which checkpoint counts. Only a checkpoint that is written whole and read back is ever pointed to. */
export interface CheckpointHeadRecord {
  /** `preset/name` for a model, `preset/unfinished` for the run that has not ended. */
  slot: string;
  current: string;
  previous: string | null;
}

/** What the page remembers about itself, one record a name. */
export interface Preferences {
  settings: Settings;
  preset: PresetName | 'auto';
  backend: BackendName | 'auto';
  theme: 'light' | 'dark' | 'system';
  place: string;
  /** The conversation that was open. */
  conversationId: string;
  /** The message in the box. */
  message: string;
  evaluation: EvaluationReport;
  /** The models that `evaluation` is of. */
  evaluatedModels: Fingerprints;
  /** The simulated labeler that was chosen, by name, and the weights of the person's own. */
  labeler: { chosen: string; own: PartValues | null };
  /** The person's own reward function, and what counts in PPO. */
  ownReward: { used: boolean; code: string; weight: number; modelWeight: number };
  /** How the policy is made: a `MethodName`. */
  method: string;
  /** Replies shown for a prompt (K). */
  repliesPerPrompt: number;
  /** Replies of which Compare shows the best (n). */
  bestOf: number;
}

export type PreferenceRecord = { [K in keyof Preferences]: { name: K; value: Preferences[K] } }[keyof Preferences];

/** A policy that was trained here, kept to be compared with others and to be gone back to. */
export interface RoundRecord {
  /** Of the run that made it. */
  id: string;
  preset: PresetName;
  /** 1, 2, 3 ... among those of its preset. */
  number: number;
  /** A `MethodName`. */
  method: string;
  seed: number;
  createdAt: number;
  /** Rankings that there were. */
  rankings: number;
  /** Nats a reply from the SFT model, at the run's end; null where it was not measured. */
  kl: number | null;
  /** When it was rated last, among the rounds that there were. */
  standing: Omit<Standing, 'name'> | null;
  /** The simulated labeler that `standing` goes by; absent: the balanced one. */
  judge?: string;
  /** Safetensors: the weights as they were, or of 16 bits in records from before that was kept. */
  bytes: Blob;
}

/** The kernels of one adapter, by its words for itself. A later version of the kernels takes the place of an earlier. */
export type TuningRecord = TuningReport;

export interface NudgeSchema extends DBSchema {
  conversations: { key: string; value: ConversationRecord };
  rankings: { key: string; value: RankingRecord };
  rankingDrafts: { key: string; value: RankingDraftRecord };
  demonstrations: { key: string; value: DemonstrationRecord };
  runs: { key: string; value: RunRecord };
  metrics: { key: [runId: string, chunk: number]; value: MetricChunkRecord };
  checkpointBlobs: { key: string; value: CheckpointBlobRecord };
  checkpointManifests: { key: string; value: CheckpointManifestRecord };
  checkpointHeads: { key: string; value: CheckpointHeadRecord };
  preferences: { key: string; value: PreferenceRecord };
  tunings: { key: string; value: TuningRecord };
  rounds: { key: string; value: RoundRecord };
}

export type RecordKind =
  | 'conversations'
  | 'rankings'
  | 'rankingDrafts'
  | 'demonstrations'
  | 'runs'
  | 'metrics'
  | 'checkpointBlobs'
  | 'checkpointManifests'
  | 'checkpointHeads'
  | 'preferences'
  | 'tunings'
  | 'rounds';

export type RecordOf<K extends RecordKind> = NudgeSchema[K]['value'];
export type KeyOf<K extends RecordKind> = NudgeSchema[K]['key'];

/** The fields that make up each record's key. */
export const KEY_PATHS: Readonly<Record<RecordKind, readonly string[]>> = {
  conversations: ['id'],
  rankings: ['id'],
  rankingDrafts: ['id'],
  demonstrations: ['id'],
  runs: ['id'],
  metrics: ['runId', 'chunk'],
  checkpointBlobs: ['id'],
  checkpointManifests: ['id'],
  checkpointHeads: ['slot'],
  preferences: ['name'],
  tunings: ['adapter'],
  rounds: ['id'],
};

/** Of version 1. */
const FIRST_KINDS: readonly RecordKind[] = [
  'conversations',
  'rankings',
  'rankingDrafts',
  'demonstrations',
  'runs',
  'metrics',
  'checkpointBlobs',
  'checkpointManifests',
  'checkpointHeads',
  'preferences',
];

export const RECORD_KINDS: readonly RecordKind[] = [...FIRST_KINDS, 'tunings', 'rounds'];

type Upgrade = (database: IDBPDatabase<NudgeSchema>) => void;

/** `UPGRADES[n]` takes a database from version n to n + 1. Never change one that was released; add the next. */
export const UPGRADES: readonly Upgrade[] = [
  (database) => FIRST_KINDS.forEach((kind) => create(database, kind)),
  (database) => create(database, 'tunings'),
  (database) => create(database, 'rounds'),
];

function create(database: IDBPDatabase<NudgeSchema>, kind: RecordKind): void {
  const path = KEY_PATHS[kind];
  database.createObjectStore(kind, { keyPath: path.length === 1 ? path[0]! : [...path] });
}

export const DATABASE_VERSION = UPGRADES.length;
