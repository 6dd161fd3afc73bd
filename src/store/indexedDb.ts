/** IndexedDB, through `idb`: opens, upgrades, reopens what the system closed, and steps aside for newer tabs. */
import { openDB } from 'idb';
import type { IDBPDatabase } from 'idb';
import { StorageUnavailableError } from '../errors';
import type { Durability, RecordDatabase, Write } from './database';
import { DATABASE_NAME, DATABASE_VERSION, UPGRADES } from './schema';
import type { KeyOf, NudgeSchema, RecordKind, RecordOf } from './schema';
import { isClosedConnection, storageError } from './storageErrors';

export interface IndexedDbEvents {
  /** Another tab with an older Nudge holds the database; opening goes on waiting for it. */
  blocked(error: StorageUnavailableError): void;
}

export class IndexedDbDatabase implements RecordDatabase {
  #connection: Promise<IDBPDatabase<NudgeSchema>> | null = null;
  /** Set once a newer tab took over: this tab's code must not write records of an older form. */
  #superseded = false;
  readonly #name: string;
  readonly #events: IndexedDbEvents;

  private constructor(name: string, events: IndexedDbEvents) {
    this.#name = name;
    this.#events = events;
  }

  /**
   * @throws StorageUnavailableError, StorageFullError
   */
  static async open(events: IndexedDbEvents, name = DATABASE_NAME): Promise<IndexedDbDatabase> {
    const database = new IndexedDbDatabase(name, events);
    await database.#connect();
    return database;
  }

  async get<K extends RecordKind>(kind: K, key: KeyOf<K>): Promise<RecordOf<K> | undefined> {
    return this.#do((connection) => connection.get(kind, key));
  }

  async getAll<K extends RecordKind>(kind: K, prefix?: string): Promise<RecordOf<K>[]> {
    // In IndexedDB's order of keys an array is greater than every string and number.
    const range = prefix === undefined ? null : IDBKeyRange.bound([prefix], [prefix, []]);
    return this.#do((connection) => connection.getAll(kind, range));
  }

  async write(writes: readonly Write[], durability: Durability): Promise<void> {
    if (writes.length === 0) return;
    const kinds = [...new Set(writes.map((write) => write.kind))];
    await this.#do(async (connection) => {
      const transaction = connection.transaction(kinds, 'readwrite', { durability });
      // Only waits for `done`: waiting for anything else inside a transaction lets Safari close it.
      const done = transaction.done;
      try {
        for (const write of writes) {
          const store = transaction.objectStore(write.kind);
          // A request's own failure aborts the transaction, which `done` reports with its cause.
          if (write.type === 'put') void store.put(write.record).catch(ignore);
          else if (write.type === 'delete') void store.delete(write.key).catch(ignore);
          else void store.clear().catch(ignore);
        }
        // At once: a page that is being left is not there any more to hear that each request is done.
        transaction.commit();
      } catch (error) {
        done.catch(ignore);
        transaction.abort();
        throw error;
      }
      await done;
    });
  }

  async close(): Promise<void> {
    const connection = await this.#connection;
    this.#connection = null;
    connection?.close();
  }

  /** Runs `work`, and once more on a new connection where the old one turns out to be closed. */
  async #do<T>(work: (connection: IDBPDatabase<NudgeSchema>) => Promise<T>): Promise<T> {
    const connection = await this.#connect();
    try {
      return await work(connection);
    } catch (error) {
      if (!isClosedConnection(error)) throw error;
      this.#connection = null;
      return work(await this.#connect());
    }
  }

  #connect(): Promise<IDBPDatabase<NudgeSchema>> {
    if (this.#superseded) return Promise.reject(supersededError());
    this.#connection ??= this.#openConnection().catch((error: unknown) => {
      this.#connection = null;
      throw storageError(error);
    });
    return this.#connection;
  }

  #openConnection(): Promise<IDBPDatabase<NudgeSchema>> {
    if (typeof indexedDB === 'undefined') {
      const message = 'Expected IndexedDB to store your work in, but this browser has none.';
      return Promise.reject(new StorageUnavailableError(message, 'Everything goes on in this tab, unsaved.'));
    }
    return openDB<NudgeSchema>(this.#name, DATABASE_VERSION, {
      upgrade: (database, oldVersion) => {
        for (const upgrade of UPGRADES.slice(oldVersion)) upgrade(database);
      },
      blocked: () => this.#events.blocked(blockedError()),
      blocking: (_current, _blocked, event) => {
        this.#superseded = true;
        this.#connection = null;
        if (event.target instanceof IDBDatabase) event.target.close();
      },
      terminated: () => {
        this.#connection = null;
      },
    });
  }
}

function ignore(): void {
  // The failure is reported by the transaction's `done`.
}

function blockedError(): StorageUnavailableError {
  return new StorageUnavailableError(
    'Another tab with an older Nudge holds your stored work.',
    'Close the other tab. Until then this one keeps everything in memory; it is saved as soon as the other is closed.',
  );
}

function supersededError(): StorageUnavailableError {
  return new StorageUnavailableError(
    'A newer Nudge was opened in another tab and has taken over your stored work.',
    'Reload this tab. What you do here until then stays in memory only.',
  );
}
