/** Stored training runs; their metrics are in metrics.ts, their weights in checkpoints.ts. */
import type { StageName } from '../config';
import type { RecordDatabase, Write } from './database';
import type { RunRecord } from './schema';

export class Runs {
  readonly #database: RecordDatabase;

  constructor(database: RecordDatabase) {
    this.#database = database;
  }

  get(id: string): Promise<RunRecord | undefined> {
    return this.#database.get('runs', id);
  }

  /** Oldest first. */
  async list(): Promise<RunRecord[]> {
    const records = await this.#database.getAll('runs');
    return records.sort((a, b) => a.createdAt - b.createdAt);
  }

  /** The newest run of each stage that has one. */
  async latest(): Promise<Partial<Record<StageName, RunRecord>>> {
    const newest: Partial<Record<StageName, RunRecord>> = {};
    for (const record of await this.list()) newest[record.stage] = record;
    return newest;
  }

  save(record: RunRecord): Promise<void> {
    return this.#database.write([{ type: 'put', kind: 'runs', record }], 'relaxed');
  }

  /** Deletes a run and its metrics in one go. */
  async delete(id: string): Promise<void> {
    const chunks = await this.#database.getAll('metrics', id);
    const writes: Write[] = chunks.map(({ runId, chunk }) => ({
      type: 'delete',
      kind: 'metrics',
      key: [runId, chunk],
    }));
    await this.#database.write([{ type: 'delete', kind: 'runs', key: id }, ...writes], 'relaxed');
  }
}
