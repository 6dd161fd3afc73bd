/** Stored conversations. */
import type { RecordDatabase } from './database';
import type { ConversationRecord } from './schema';

export class Conversations {
  readonly #database: RecordDatabase;

  constructor(database: RecordDatabase) {
    this.#database = database;
  }

  get(id: string): Promise<ConversationRecord | undefined> {
    return this.#database.get('conversations', id);
  }

  /** Newest change first. */
  async list(): Promise<ConversationRecord[]> {
    const records = await this.#database.getAll('conversations');
    return records.sort((a, b) => b.updatedAt - a.updatedAt);
  }

  save(record: ConversationRecord): Promise<void> {
    return this.#database.write([{ type: 'put', kind: 'conversations', record }], 'relaxed');
  }

  delete(id: string): Promise<void> {
    return this.#database.write([{ type: 'delete', kind: 'conversations', key: id }], 'relaxed');
  }
}
