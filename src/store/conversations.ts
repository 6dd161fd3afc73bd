/** Stored conversations, and the chat that is open. */
import type { RecordDatabase, Write } from './database';
import type { ConversationRecord, PreferenceRecord, RankingDraftRecord } from './schema';

/** All that belongs to the chat that is open. */
export interface OpenChat {
  conversation: ConversationRecord;
  /** The ranking that was begun; null: none. */
  draft: RankingDraftRecord | null;
  /** In the box, sent or not. */
  message: string;
}

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

  /**
   * Stores the chat as it stands in one go: a page that is being left may not live to see a second write.
   * A conversation without messages is none yet.
   */
  saveOpen({ conversation, draft, message }: OpenChat): Promise<void> {
    const preferences: PreferenceRecord[] = [
      { name: 'conversationId', value: conversation.id },
      { name: 'message', value: message },
    ];
    const writes: Write[] = preferences.map((record) => ({ type: 'put', kind: 'preferences', record }));
    if (conversation.messages.length > 0) writes.push({ type: 'put', kind: 'conversations', record: conversation });
    writes.push(
      draft
        ? { type: 'put', kind: 'rankingDrafts', record: draft }
        : { type: 'delete', kind: 'rankingDrafts', key: 'current' },
    );
    return this.#database.write(writes, 'relaxed');
  }

  delete(id: string): Promise<void> {
    return this.#database.write([{ type: 'delete', kind: 'conversations', key: id }], 'relaxed');
  }
}
