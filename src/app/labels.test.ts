import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Ranking, ReplyThumb } from '../session/protocol';
import { Store } from '../store/store';
import { Labels, type NewRanking } from './labels.svelte';
import { Notices } from './notices.svelte';

const NEWEST = null;

describe('what was said about replies', () => {
  let store: Store;
  let labels: Labels;
  beforeEach(async () => {
    vi.stubGlobal('indexedDB', new IDBFactory());
    store = await Store.open();
    labels = new Labels(store, new Notices());
  });
  afterEach(async () => {
    await store.close();
    vi.unstubAllGlobals();
  });

  async function rank(
    ranks: number[],
    writers?: (string | null)[],
    noneGood = false,
    thumbs?: ReplyThumb[],
  ): Promise<void> {
    const ranking: NewRanking = {
      id: crypto.randomUUID(),
      conversation: [{ role: 'user', text: 'Where is the boat?' }],
      replies: ranks.map((_, i) => `Reply ${i}`),
      ranks,
      labeler: 'person',
      shownOrder: ranks.map((_, i) => i),
      milliseconds: 1,
      noneGood,
      ...(writers && { writers }),
      ...(thumbs && { thumbs }),
    };
    expect(await labels.addRanking(ranking)).toBe(true);
  }

  it('counts, of the pairs of the newest model and one round, those that each won: no ties, no others, no refusals', async () => {
    await rank([1, 2, 3, 3], [NEWEST, NEWEST, 'first', 'first']);
    expect(await labels.duels('first')).toEqual({ won: 4, lost: 0 });
    await rank([1, 4, 2, 4], [NEWEST, NEWEST, 'first', 'first']);
    expect(await labels.duels('first')).toEqual({ won: 6, lost: 1 });
    await rank([1, 2], [NEWEST, 'second']);
    await rank([1, 2]);
    await rank([1, 2], [NEWEST, 'first'], true);
    expect(await labels.duels('first')).toEqual({ won: 6, lost: 1 });
    expect(await labels.duels('second')).toEqual({ won: 1, lost: 0 });
    expect(await labels.duels('third')).toEqual({ won: 0, lost: 0 });
  });

  it('are counted with thumbs beside rankings; a reply by itself is no ranking, and of refusals only the thumbs are left', async () => {
    await rank([1, 2, 3]);
    expect([labels.count, labels.thumbsUp, labels.thumbsDown]).toEqual([1, 0, 0]);
    const conversation = [{ role: 'user' as const, text: 'Where is the boat?' }];
    const one = (id: string, thumb: 'up' | 'down'): Ranking => ({
      ...{ id, conversation, replies: ['There.'], ranks: [1], thumbs: [thumb], labeler: 'import' },
    });
    const pair: Ranking = { id: 'p', conversation, replies: ['a', 'b'], ranks: [1, 2], gaps: [2], labeler: 'import' };
    expect(await labels.addMany([one('a', 'up'), one('b', 'down'), one('c', 'down'), pair], 'some.jsonl')).toBe(true);
    const counts = (of: Labels): number[] => [
      of.count,
      of.byPerson,
      of.imported,
      of.thumbs,
      of.thumbsUp,
      of.thumbsDown,
    ];
    expect(counts(labels)).toEqual([2, 1, 1, 3, 1, 2]);
    expect(labels.sources).toEqual([{ name: 'some.jsonl', pairs: 1, thumbs: 3 }]);
    const nextVisit = new Labels(store, new Notices());
    await nextVisit.load();
    expect(counts(nextVisit)).toEqual(counts(labels));
    expect(await nextVisit.rankings('some.jsonl')).toEqual([one('a', 'up'), one('b', 'down'), one('c', 'down'), pair]);
    await rank([1, 1], undefined, true);
    expect(counts(labels)).toEqual([2, 1, 1, 3, 1, 2]);
    await rank([1, 1, 1], undefined, true, ['down', null, 'up']);
    expect(counts(labels)).toEqual([2, 1, 1, 5, 2, 3]);
    const learned = (await labels.rankings()).slice(-2);
    expect(learned.map(({ replies, ranks, thumbs }) => [replies, ranks, thumbs])).toEqual([
      [['Reply 0'], [1], ['down']],
      [['Reply 2'], [1], ['up']],
    ]);
    await labels.removeSource('some.jsonl');
    expect(counts(labels)).toEqual([1, 1, 0, 2, 1, 1]);
  });
});
