/**
 * Everything that outlives a reload, in one place. Opening never fails: where the browser cannot store, the store goes
 * on in memory and its status says so.
 */
import { StorageUnavailableError } from '../errors';
import { Checkpoints } from './checkpoints';
import { Conversations } from './conversations';
import type { RecordDatabase } from './database';
import { Demonstrations } from './demonstrations';
import { IndexedDbDatabase } from './indexedDb';
import { Metrics } from './metrics';
import { PreferenceRecords } from './preferences';
import { Rankings } from './rankings';
import { Rounds } from './rounds';
import { Runs } from './runs';
import { SafeDatabase } from './safeDatabase';
import type { StoreStatus } from './safeDatabase';
import { DATABASE_NAME, RECORD_KINDS } from './schema';
import type {
  ConversationRecord,
  DemonstrationRecord,
  MetricChunkRecord,
  PreferenceRecord,
  RankingRecord,
  RunRecord,
} from './schema';
import { Tunings } from './tunings';

/** A database that opens later than this is attached when it does; until then there is memory. */
const OPEN_PATIENCE_MILLISECONDS = 5000;

/** Weights are not in it: they are exported as safetensors. */
export interface StoreExport {
  format: 'nudge-export';
  version: 1;
  /** ISO 8601. */
  exportedAt: string;
  conversations: ConversationRecord[];
  rankings: RankingRecord[];
  demonstrations: DemonstrationRecord[];
  runs: RunRecord[];
  metrics: MetricChunkRecord[];
  preferences: PreferenceRecord[];
}

export class Store {
  readonly conversations: Conversations;
  readonly rankings: Rankings;
  readonly demonstrations: Demonstrations;
  readonly runs: Runs;
  readonly metrics: Metrics;
  readonly checkpoints: Checkpoints;
  readonly preferences: PreferenceRecords;
  readonly tunings: Tunings;
  readonly rounds: Rounds;
  readonly #database: SafeDatabase;
  readonly #close: () => Promise<void>;

  private constructor(database: SafeDatabase, close: () => Promise<void>) {
    this.#database = database;
    this.#close = close;
    this.conversations = new Conversations(database);
    this.rankings = new Rankings(database);
    this.demonstrations = new Demonstrations(database);
    this.runs = new Runs(database);
    this.metrics = new Metrics(database);
    this.checkpoints = new Checkpoints(database);
    this.preferences = new PreferenceRecords(database);
    this.tunings = new Tunings(database);
    this.rounds = new Rounds(database);
  }

  /** @param name of the database; another name is another, separate store */
  static async open(name = DATABASE_NAME): Promise<Store> {
    const database = new SafeDatabase();
    let opened: IndexedDbDatabase | null = null;
    const opening = IndexedDbDatabase.open({ blocked: (error) => database.goWithoutDisk(error) }, name)
      .then(async (disk) => {
        opened = disk;
        await database.attach(disk);
      })
      .catch((error: unknown) => database.goWithoutDisk(error));
    const impatience = setTimeout(() => database.goWithoutDisk(noAnswer()), OPEN_PATIENCE_MILLISECONDS);
    await Promise.race([opening, firstRefusal(database)]);
    void opening.finally(() => clearTimeout(impatience));
    const stopAsking = database.watch(({ state }) => {
      if (state !== 'saving') return;
      stopAsking();
      void askForPersistence();
    });
    return new Store(database, async () => opened?.close());
  }

  /** A store over another database, as tests use it. */
  static async over(disk: RecordDatabase, now?: () => number): Promise<Store> {
    const database = new SafeDatabase(now);
    await database.attach(disk);
    return new Store(database, () => Promise.resolve());
  }

  get status(): StoreStatus {
    return this.#database.status;
  }

  /** Calls back with each new status; returns how to stop. */
  watch(callback: (status: StoreStatus) => void): () => void {
    return this.#database.watch(callback);
  }

  /** Writes everything that waits; to be called when the page is hidden. */
  async flush(): Promise<void> {
    await this.metrics.flush();
    await this.#database.flush();
  }

  /** All that the person made here, as plain data. */
  async exportAll(): Promise<StoreExport> {
    await this.metrics.flush();
    const [conversations, rankings, demonstrations, runs, metrics, preferences] = await Promise.all([
      this.#database.getAll('conversations'),
      this.#database.getAll('rankings'),
      this.#database.getAll('demonstrations'),
      this.#database.getAll('runs'),
      this.#database.getAll('metrics'),
      this.#database.getAll('preferences'),
    ]);
    const head = { format: 'nudge-export', version: 1, exportedAt: new Date().toISOString() } as const;
    return { ...head, conversations, rankings, demonstrations, runs, metrics, preferences };
  }

  /**
   * Forgets everything, weights included, and stores nothing more: what the page still has in hand goes too.
   *
   * @throws StorageUnavailableError when the browser does not delete it
   */
  async clearAll(): Promise<void> {
    await this.metrics.flush();
    this.metrics.forget();
    const cleared = this.#database.write(
      RECORD_KINDS.map((kind) => ({ type: 'clear', kind })),
      'strict',
    );
    this.seal(true);
    await cleared;
    const { status } = this.#database;
    if (status.state !== 'memory-only') return;
    this.seal(false);
    throw notDeleted(status.error.message);
  }

  /** While sealed, nothing is stored: another tab is forgetting everything. */
  seal(sealed: boolean): void {
    this.#database.sealed = sealed;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#close();
  }
}

function notDeleted(reason: string): StorageUnavailableError {
  return new StorageUnavailableError(
    `Expected the browser to delete what is stored here, but it did not. ${reason}`,
    'Reload the page to begin anew. Should something of before come back, clear this site’s data in the browser’s settings.',
  );
}

function noAnswer(): StorageUnavailableError {
  return new StorageUnavailableError(
    `Expected the browser's storage to open, but it has not answered for ${OPEN_PATIENCE_MILLISECONDS / 1000} seconds.`,
    'What you do here is saved as soon as it answers. Close other tabs of Nudge, then reload to see your earlier work.',
  );
}

/** Resolves when the database says that there is no disk for now. */
function firstRefusal(database: SafeDatabase): Promise<void> {
  return new Promise((resolve) => {
    const stop = database.watch(({ state }) => {
      if (state !== 'memory-only') return;
      stop();
      resolve();
    });
  });
}

/** Asks the browser not to delete our data when disks get full. A "no" changes nothing for the person. */
async function askForPersistence(): Promise<void> {
  if (typeof navigator === 'undefined' || !('storage' in navigator)) return;
  await navigator.storage.persist().catch(() => false);
}
