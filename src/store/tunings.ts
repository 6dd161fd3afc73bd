/** What was measured of the kernels, one record an adapter, so that a later visit need not measure it again. */
import type { RecordDatabase } from './database';
import type { TuningRecord } from './schema';

export class Tunings {
  readonly #database: RecordDatabase;

  constructor(database: RecordDatabase) {
    this.#database = database;
  }

  /** Of every adapter that this browser has had. */
  all(): Promise<TuningRecord[]> {
    return this.#database.getAll('tunings');
  }

  /** Takes the place of what was stored of the same adapter. */
  save(record: TuningRecord): Promise<void> {
    return this.#database.write([{ type: 'put', kind: 'tunings', record }], 'relaxed');
  }
}
