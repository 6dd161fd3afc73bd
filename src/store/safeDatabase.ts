/**
 * A database that never loses a write while the tab lives: one writer takes the writes in order, and what the disk
 * refuses stays in memory, is read from there, and goes to the disk as soon as it accepts it.
 */
import { toPlainError } from '../errors';
import type { PlainError } from '../errors';
import type { Durability, RecordDatabase, Write } from './database';
import { Overlay } from './overlay';
import type { KeyOf, RecordKind, RecordOf } from './schema';
import { isCallersFault, storageError } from './storageErrors';

/** What the page shows about storage. */
export type StoreStatus =
  | { state: 'saved' }
  | { state: 'saving' }
  /** Nothing is lost while the tab is open, and nothing of it outlives the tab. */
  | { state: 'memory-only'; error: PlainError };

/** Writes that the disk refused are offered to it again this often, and no more often. */
export const RETRY_MILLISECONDS = 10_000;

export class SafeDatabase implements RecordDatabase {
  /** Writes are dropped, and what waited to be written stays where it is. */
  sealed = false;
  #disk: RecordDatabase | null = null;
  #status: StoreStatus = { state: 'saved' };
  #lastRefusal = -Infinity;
  #retry: ReturnType<typeof setTimeout> | null = null;
  /** Settles when the last write of the queue has. */
  #tail: Promise<void> = Promise.resolve();
  #queued = 0;
  readonly #overlay = new Overlay();
  readonly #watchers = new Set<(status: StoreStatus) => void>();
  readonly #now: () => number;

  /** @param now a clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get status(): StoreStatus {
    return this.#status;
  }

  /** Calls back with each new status; returns how to stop. */
  watch(callback: (status: StoreStatus) => void): () => void {
    this.#watchers.add(callback);
    return () => this.#watchers.delete(callback);
  }

  /** From now on there is a disk: it takes what has gathered in memory. */
  async attach(disk: RecordDatabase): Promise<void> {
    this.#disk = disk;
    await this.flush();
  }

  /** There is no disk, for the reason given: everything stays in memory. */
  goWithoutDisk(reason: unknown): void {
    this.#disk = null;
    this.#refuse(reason);
  }

  async get<K extends RecordKind>(kind: K, key: KeyOf<K>): Promise<RecordOf<K> | undefined> {
    await this.#tail;
    const { hides, record } = this.#overlay.get(kind, key);
    return hides ? record : this.#read((disk) => disk.get(kind, key), undefined);
  }

  async getAll<K extends RecordKind>(kind: K, prefix?: string): Promise<RecordOf<K>[]> {
    await this.#tail;
    const stored = await this.#read((disk) => disk.getAll(kind, prefix), []);
    return this.#overlay.merge(kind, stored, prefix);
  }

  /**
   * Resolves when the writes are on the disk or, where it refuses, in memory; `status` says which.
   *
   * @throws DataCloneError for what no storage could take, such as a function or a Svelte proxy in a record
   */
  async write(writes: readonly Write[], durability: Durability): Promise<void> {
    if (this.sealed) return;
    // A copy: the caller may go on changing its objects while the write waits for its turn.
    const copy = structuredClone(writes);
    this.#queued++;
    if (this.#status.state === 'saved') this.#setStatus({ state: 'saving' });
    const result = this.#tail.then(() => this.#commit(copy, durability));
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Waits until every write so far is done, and offers the disk again what it refused. */
  async flush(): Promise<void> {
    this.#lastRefusal = -Infinity;
    await this.write([], 'relaxed');
  }

  async #commit(writes: readonly Write[], durability: Durability): Promise<void> {
    try {
      const waiting = this.#overlay.writes();
      const tooSoon = waiting.length > 0 && this.#now() - this.#lastRefusal < RETRY_MILLISECONDS;
      if (!this.#disk || tooSoon) {
        this.#overlay.keep(writes);
        return;
      }
      await this.#disk.write([...waiting, ...writes], durability);
      this.#overlay.clear();
      if (this.#status.state === 'memory-only') this.#setStatus({ state: 'saving' });
    } catch (error) {
      if (isCallersFault(error)) throw error;
      this.#overlay.keep(writes);
      this.#refuse(error);
    } finally {
      this.#queued--;
      if (this.#queued === 0 && this.#status.state === 'saving') this.#setStatus({ state: 'saved' });
    }
  }

  /** A disk that cannot even be read is reported, and what memory has is used. */
  async #read<T>(work: (disk: RecordDatabase) => Promise<T>, otherwise: T): Promise<T> {
    if (!this.#disk) return otherwise;
    try {
      return await work(this.#disk);
    } catch (error) {
      if (isCallersFault(error)) throw error;
      this.#refuse(error);
      return otherwise;
    }
  }

  #refuse(reason: unknown): void {
    this.#lastRefusal = this.#now();
    this.#setStatus({ state: 'memory-only', error: toPlainError(storageError(reason)) });
    // The person may not write again before leaving.
    if (this.#disk && this.#retry === null) this.#retry = setTimeout(() => this.#offerAgain(), RETRY_MILLISECONDS);
  }

  #offerAgain(): void {
    this.#retry = null;
    if (this.#status.state === 'memory-only') void this.flush();
  }

  #setStatus(status: StoreStatus): void {
    this.#status = status;
    for (const watcher of this.#watchers) watcher(status);
  }
}
