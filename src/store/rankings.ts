/** Stored rankings, and the one that was begun and not finished. */
import type { RecordDatabase, Write } from './database';
import type { RankingDraftRecord, RankingRecord } from './schema';

export class Rankings {
  readonly #database: RecordDatabase;

  constructor(database: RecordDatabase) {
    this.#database = database;
  }

  get(id: string): Promise<RankingRecord | undefined> {
    return this.#database.get('rankings', id);
  }

  /** Oldest first. */
  async list(): Promise<RankingRecord[]> {
    const records = await this.#database.getAll('rankings');
    return records.sort((a, b) => a.createdAt - b.createdAt);
  }

  /** All or none are stored, before the promise resolves. */
  add(records: readonly RankingRecord[]): Promise<void> {
    return this.#database.write(puts(records), 'strict');
  }

  /** Stores the finished ranking and drops its draft in one go, so that a reload finds exactly one of the two. */
  finish(record: RankingRecord): Promise<void> {
    return this.#database.write([...puts([record]), dropDraft], 'strict');
  }

  /** Takes a ranking back, and, where there is one, puts its draft in its place in one go. */
  undo(id: string, draft: RankingDraftRecord | null): Promise<void> {
    const writes: Write[] = [{ type: 'delete', kind: 'rankings', key: id }];
    if (draft) writes.push({ type: 'put', kind: 'rankingDrafts', record: draft });
    return this.#database.write(writes, 'strict');
  }

  /** Forgets all rankings of one imported file. */
  async removeSource(source: string): Promise<number> {
    const gone = (await this.list()).filter((record) => record.source === source);
    const writes = gone.map((record): Write => ({ type: 'delete', kind: 'rankings', key: record.id }));
    await this.#database.write(writes, 'strict');
    return gone.length;
  }

  draft(): Promise<RankingDraftRecord | undefined> {
    return this.#database.get('rankingDrafts', 'current');
  }
}

const dropDraft: Write = { type: 'delete', kind: 'rankingDrafts', key: 'current' };

function puts(records: readonly RankingRecord[]): Write[] {
  return records.map((record) => ({ type: 'put', kind: 'rankings', record }));
}
