/** Policies of earlier rounds, with their weights. */
import type { PresetName } from '../config';
import type { RecordDatabase } from './database';
import type { RoundRecord } from './schema';

export class Rounds {
  readonly #database: RecordDatabase;

  constructor(database: RecordDatabase) {
    this.#database = database;
  }

  /** Of one size of model, oldest first. */
  async list(preset: PresetName): Promise<RoundRecord[]> {
    const records = await this.#database.getAll('rounds');
    return records.filter((record) => record.preset === preset).sort((a, b) => a.number - b.number);
  }

  /** All or none. */
  save(records: readonly RoundRecord[]): Promise<void> {
    return this.#database.write(
      records.map((record) => ({ type: 'put', kind: 'rounds', record })),
      'strict',
    );
  }

  remove(id: string): Promise<void> {
    return this.#database.write([{ type: 'delete', kind: 'rounds', key: id }], 'relaxed');
  }
}
