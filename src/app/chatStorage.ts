/** The chat in the store: the conversation, the ranking that was begun, the message in the box. */
import type { Message } from '../session/protocol';
import type { ConversationRecord, Preferences, RankingDraftRecord } from '../store/schema';
import type { Store } from '../store/store';
import type { ChatSnapshot } from './chat.svelte';
import { throttled } from './frames';
import type { Notices } from './notices.svelte';

/** Typing asks for a write at every key. */
const WRITE_EVERY_MS = 150;

export class ChatStorage {
  readonly #store: Store;
  readonly #notices: Notices;
  #conversation: Pick<ConversationRecord, 'id' | 'createdAt'> = newConversation();
  #snapshot: ChatSnapshot | null = null;
  readonly #writeSoon = throttled(() => void this.#write(), WRITE_EVERY_MS);

  constructor(store: Store, notices: Notices) {
    this.#store = store;
    this.#notices = notices;
  }

  /** What an earlier visit left; null where there is nothing to go on with. */
  async load({ conversationId, message }: Partial<Preferences>): Promise<ChatSnapshot | null> {
    const conversation = conversationId === undefined ? undefined : await this.#store.conversations.get(conversationId);
    const talked = conversation && conversation.messages.length > 0;
    if (talked) this.#conversation = { id: conversation.id, createdAt: conversation.createdAt };
    const draft = await this.#store.rankings.draft();
    if (draft) return fromDraft(draft, message);
    return talked ? withoutBoard(conversation.messages, message) : null;
  }

  /** Stores the chat as it is now, soon. */
  keep(snapshot: ChatSnapshot): void {
    this.#snapshot = snapshot;
    this.#writeSoon();
  }

  /** Stores at once what waits to be stored: the page is being left. */
  flush(): void {
    this.#writeSoon.flush();
  }

  async #write(): Promise<void> {
    if (!this.#snapshot) return;
    const { history, asked, board, message } = this.#snapshot;
    const now = Date.now();
    if (history.length === 0) this.#conversation = newConversation();
    const question: Message[] = asked === null ? [] : [{ role: 'user', text: asked }];
    try {
      // One write: a page that is being left has no time for a second.
      await this.#store.conversations.saveOpen({
        draft:
          board && asked !== null
            ? { id: 'current', conversation: [...history, ...question], ...board, createdAt: now }
            : null,
        conversation: { ...this.#conversation, messages: history, updatedAt: now },
        message,
      });
    } catch (error) {
      this.#notices.fail('storage', error);
    }
  }
}

const newConversation = (): Pick<ConversationRecord, 'id' | 'createdAt'> => ({
  id: crypto.randomUUID(),
  createdAt: Date.now(),
});

function fromDraft(
  { conversation, replies, ranks, order, flagged = [], thumbs, gaps, seed }: RankingDraftRecord,
  message?: string,
): ChatSnapshot {
  const asked = conversation.at(-1)?.text ?? '';
  return {
    history: conversation.slice(0, -1),
    asked,
    message: message ?? asked,
    droppedTurns: 0,
    rankingId: crypto.randomUUID(),
    board: { replies, ranks, order, flagged, ...(thumbs && { thumbs }), ...(gaps && { gaps }), seed },
  };
}

function withoutBoard(history: Message[], message = ''): ChatSnapshot {
  return { history, asked: null, message, droppedTurns: 0, rankingId: crypto.randomUUID(), board: null };
}
