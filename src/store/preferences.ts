/** What the page remembers about itself: settings, the place that was open, the last evaluation. */
import type { RecordDatabase } from './database';
import type { PreferenceRecord, Preferences } from './schema';

export class PreferenceRecords {
  readonly #database: RecordDatabase;

  constructor(database: RecordDatabase) {
    this.#database = database;
  }

  /** Everything that was ever set; what was not is left out. */
  async all(): Promise<Partial<Preferences>> {
    const records = await this.#database.getAll('preferences');
    const values: Partial<Preferences> = {};
    for (const record of records) assign(values, record);
    return values;
  }

  set(record: PreferenceRecord): Promise<void> {
    return this.#database.write([{ type: 'put', kind: 'preferences', record }], 'relaxed');
  }

  forget(name: keyof Preferences): Promise<void> {
    return this.#database.write([{ type: 'delete', kind: 'preferences', key: name }], 'relaxed');
  }
}

function assign<K extends keyof Preferences>(
  values: Partial<Preferences>,
  record: { name: K; value: Preferences[K] },
): void {
  values[record.name] = record.value;
}
