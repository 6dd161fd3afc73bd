import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
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

  async function rank(ranks: number[], writers?: (string | null)[], noneGood = false): Promise<void> {
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
});
