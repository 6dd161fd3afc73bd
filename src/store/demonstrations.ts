/** Stored demonstrations: replies that a person wrote or edited. */
import type { RecordDatabase } from './database';
import type { DemonstrationRecord } from './schema';

export class Demonstrations {
  readonly #database: RecordDatabase;

  constructor(database: RecordDatabase) {
    this.#database = database;
  }

  /** Oldest first. */
  async list(): Promise<DemonstrationRecord[]> {
    const records = await this.#database.getAll('demonstrations');
    return records.sort((a, b) => a.createdAt - b.createdAt);
  }

  save(record: DemonstrationRecord): Promise<void> {
    return this.#database.write([{ type: 'put', kind: 'demonstrations', record }], 'strict');
  }

  delete(id: string): Promise<void> {
    return this.#database.write([{ type: 'delete', kind: 'demonstrations', key: id }], 'strict');
  }
}
