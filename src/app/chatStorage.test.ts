import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Message, Reply } from '../session/protocol';
import { Store } from '../store/store';
import type { ChatSnapshot } from './chat.svelte';
import { ChatStorage } from './chatStorage';
import { Notices } from './notices.svelte';
import { RankBoard } from './rankBoard.svelte';

const HISTORY: Message[] = [
  { role: 'user', text: 'Hi' },
  { role: 'assistant', text: 'Hello.' },
];
const REPLY: Reply = { text: 'In the harbour.', tokenIds: [5], finished: true, score: null, kl: null };
const CHAT: ChatSnapshot = {
  history: HISTORY,
  asked: 'Where is the boat?',
  message: 'Where is the boat? And',
  droppedTurns: 0,
  rankingId: 'r',
  board: { replies: [REPLY, REPLY], ranks: [1, null], order: [1, 0], flagged: [1], seed: 3 },
};

describe('the chat in the store', () => {
  let store: Store;
  let storage: ChatStorage;
  beforeEach(async () => {
    vi.stubGlobal('indexedDB', new IDBFactory());
    store = await Store.open();
    storage = new ChatStorage(store, new Notices());
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await store.close();
    vi.unstubAllGlobals();
  });

  /** What the next visit finds. */
  async function nextVisit(): Promise<ChatSnapshot | null> {
    return new ChatStorage(store, new Notices()).load(await store.preferences.all());
  }
  /** All but the id, which is new at each visit. */
  const kept = (chat: ChatSnapshot): unknown => ({ ...chat, rankingId: expect.any(String) as string });

  it('is there at the next visit: conversation, ranks, and the message that was not sent', async () => {
    storage.keep(CHAT);
    storage.flush();
    expect(await nextVisit()).toEqual(kept(CHAT));
    const answering: ChatSnapshot = { ...CHAT, asked: null, board: null, message: 'And th' };
    storage.keep(answering);
    storage.flush();
    expect(await nextVisit()).toEqual(kept(answering));
  });

  it('has its thumbs and how strong preferences are at the next visit, and none where an earlier version left it', async () => {
    const said: ChatSnapshot = { ...CHAT, board: { ...CHAT.board!, ranks: [2, 1], thumbs: ['up', null], gaps: [2] } };
    storage.keep(said);
    storage.flush();
    expect(await nextVisit()).toEqual(kept(said));
    storage.keep(CHAT);
    storage.flush();
    const old = await store.rankings.draft();
    expect(Object.keys(old ?? {}).sort()).toEqual(
      ['id', 'conversation', 'replies', 'ranks', 'order', 'flagged', 'seed', 'createdAt'].sort(),
    );
    const board = (await nextVisit())?.board;
    expect(board).not.toHaveProperty('thumbs');
    const restored = new RankBoard(() => undefined);
    restored.restore(board!);
    expect(restored.thumbs).toEqual([null, null]);
    expect(restored.gaps).toBeUndefined();
  });

  it('is handed over at once when the page is left, in the same turn of the event loop', async () => {
    const write = vi.spyOn(store.conversations, 'saveOpen');
    storage.keep(CHAT);
    expect(write).not.toHaveBeenCalled();
    storage.flush();
    expect(write).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1000);
    storage.flush();
    expect(write).toHaveBeenCalledTimes(1);
  });

  it('is written at most every 150 ms, with all that was typed until then', async () => {
    const write = vi.spyOn(store.conversations, 'saveOpen');
    for (const message of ['A', 'An', 'And']) storage.keep({ ...CHAT, message });
    await vi.advanceTimersByTimeAsync(150);
    expect(write).toHaveBeenCalledTimes(1);
    expect((await nextVisit())?.message).toBe('And');
  });

  it('goes on in the same conversation, also at the next visit, until a new one begins', async () => {
    storage.keep(CHAT);
    storage.flush();
    const next = new ChatStorage(store, new Notices());
    await next.load(await store.preferences.all());
    next.keep({ ...CHAT, history: [...HISTORY, ...HISTORY] });
    next.flush();
    expect((await store.conversations.list()).map(({ messages }) => messages.length)).toEqual([4]);
    next.keep({ ...CHAT, history: [] });
    next.flush();
    next.keep({ ...CHAT, history: HISTORY });
    next.flush();
    expect(await store.conversations.list()).toHaveLength(2);
  });

  it('is nothing where nothing was said and nothing is to be ranked', async () => {
    expect(await nextVisit()).toBeNull();
    storage.keep({ ...CHAT, history: [], asked: null, board: null, message: '' });
    storage.flush();
    expect(await nextVisit()).toBeNull();
  });
});
