import { deleteDB, openDB } from 'idb';
import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_SETTINGS } from '../config';
import { DATABASE_VERSION } from './schema';
import type {
  ConversationRecord,
  RankingDraftRecord,
  RankingRecord,
  RoundRecord,
  RunRecord,
  TuningRecord,
} from './schema';
import { Store } from './store';

const ranking = (id: string, createdAt: number, source: string | null = null): RankingRecord => ({
  id,
  conversation: [{ role: 'user', text: 'Where is the boat?' }],
  replies: ['In the harbour.', 'No idea 🤷'],
  ranks: [1, 2],
  labeler: source === null ? 'person' : 'import',
  createdAt,
  shownOrder: [1, 0],
  milliseconds: 4200,
  noneGood: false,
  source,
});

const draft: RankingDraftRecord = {
  id: 'current',
  conversation: [{ role: 'user', text: 'Where is the boat?' }],
  replies: [{ text: 'In the harbour.', tokenIds: [5, 6], finished: true, score: null, kl: null }],
  ranks: [null],
  order: [0],
  seed: 3,
  createdAt: 10,
};

const conversation: ConversationRecord = {
  ...{ id: 'c', messages: [{ role: 'user', text: 'hi' }], createdAt: 1, updatedAt: 1 },
};

const run = (id: string, createdAt: number): RunRecord => ({
  ...{ id, stage: 'ppo', preset: 'nano', seed: 0, settings: DEFAULT_SETTINGS.sft },
  ...{ state: 'done', step: 1, steps: 1, createdAt, updatedAt: createdAt, seconds: 1, error: null, rewardModel: null },
  samples: [],
});

const tuning: TuningRecord = {
  ...{ adapter: 'A GPU, subgroups', kernels: 'v1', measuredAt: 7, refusals: [] },
  choices: [{ kernel: 'matrix product NN', shape: '64 x 64 x 64', variant: 'quad', ms: 0.5, gflops: 1 }],
};

/** As a browser has it where the Nudge of version 1 was used. */
async function versionOne(): Promise<void> {
  const byName = { checkpointHeads: 'slot', preferences: 'name' };
  const byId = ['conversations', 'rankings', 'rankingDrafts', 'demonstrations', 'runs', 'checkpointBlobs'];
  const database = await openDB('nudge', 1, {
    upgrade: (old) => {
      for (const kind of [...byId, 'checkpointManifests']) old.createObjectStore(kind, { keyPath: 'id' });
      for (const [kind, keyPath] of Object.entries(byName)) old.createObjectStore(kind, { keyPath });
      old.createObjectStore('metrics', { keyPath: ['runId', 'chunk'] });
    },
  });
  await database.put('rankings', ranking('old', 1));
  await database.put('conversations', conversation);
  await database.put('runs', run('r', 5));
  await database.put('metrics', { runId: 'r', chunk: 0, steps: [1], columns: { 'objective/kl': [0.5] } });
  await database.put('preferences', { name: 'theme', value: 'dark' });
  await database.put('checkpointHeads', { slot: 'nano/sft', current: 'x', previous: null });
  database.close();
}

beforeEach(() => {
  vi.stubGlobal('indexedDB', new IDBFactory());
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('store', () => {
  it('keeps the policies of earlier rounds with their weights, by size of model and in their order', async () => {
    const store = await Store.open();
    const round = (id: string, number: number, preset: RoundRecord['preset'] = 'nano'): RoundRecord => ({
      ...{ id, preset, number, method: 'PPO', seed: 1, createdAt: 5, rankings: 20, kl: 1.5, standing: null },
      bytes: new Blob([Uint8Array.of(number, 2, 3)]),
    });
    await store.rounds.save([round('b', 2), round('a', 1), round('other', 1, 'mini')]);
    const kept = await store.rounds.list('nano');
    expect(kept.map(({ id }) => id)).toEqual(['a', 'b']);
    const standing = { rating: 0.2, low: 0.1, high: 0.3, overFirst: { value: 0.6, low: 0.5, high: 0.7 } };
    await store.rounds.save([{ ...round('b', 2), standing }]);
    await store.rounds.remove('a');
    expect(await store.rounds.list('nano')).toMatchObject([{ id: 'b', standing }]);
    expect(await store.rounds.list('mini')).toHaveLength(1);
  });

  it('gives everything back after it is opened anew', async () => {
    const before = await Store.open();
    await before.rankings.add([ranking('late', 2), ranking('early', 1)]);
    await before.conversations.saveOpen({ conversation, draft, message: 'And th' });
    await before.demonstrations.save({
      ...{ id: 'd', conversation: [], reply: 'Hello!', createdAt: 1, editedFrom: 'helo' },
    });
    await before.runs.save(run('r', 5));
    before.metrics.append('r', 1, { 'objective/kl': 0.5 });
    await before.preferences.set({ name: 'theme', value: 'dark' });
    await before.close();

    const after = await Store.open();
    expect((await after.rankings.list()).map(({ id }) => id)).toEqual(['early', 'late']);
    expect(await after.rankings.get('late')).toEqual(ranking('late', 2));
    expect(await after.rankings.draft()).toEqual(draft);
    expect(await after.conversations.list()).toHaveLength(1);
    expect((await after.demonstrations.list())[0]?.reply).toBe('Hello!');
    expect(await after.runs.latest()).toEqual({ ppo: run('r', 5) });
    expect(await after.metrics.load('r')).toEqual([{ step: 1, values: { 'objective/kl': 0.5 } }]);
    expect(await after.preferences.all()).toEqual({ theme: 'dark', conversationId: 'c', message: 'And th' });
    expect(after.status).toEqual({ state: 'saved' });
    await after.close();
  });

  it('keeps everything that an earlier version stored, and has room for what is new', async () => {
    await versionOne();
    const store = await Store.open();
    expect(store.status).toEqual({ state: 'saved' });
    expect(await store.exportAll()).toMatchObject({
      conversations: [conversation],
      rankings: [ranking('old', 1)],
      runs: [run('r', 5)],
      metrics: [{ runId: 'r', steps: [1], columns: { 'objective/kl': [0.5] } }],
      preferences: [{ name: 'theme', value: 'dark' }],
    });
    expect(await store.tunings.all()).toEqual([]);
    await store.tunings.save(tuning);
    await store.close();
    const plain = await openDB('nudge');
    expect(await plain.getAll('checkpointHeads')).toEqual([{ slot: 'nano/sft', current: 'x', previous: null }]);
    expect(await plain.getAll('tunings')).toEqual([tuning]);
    plain.close();
  });

  it('has one record of kernels an adapter, the newest, and forgets them with all else', async () => {
    const store = await Store.open();
    const other = { ...tuning, adapter: 'Another GPU' };
    await store.tunings.save(other);
    await store.tunings.save(tuning);
    await store.tunings.save({ ...tuning, kernels: 'v2', choices: [] });
    expect(await store.tunings.all()).toEqual([{ ...tuning, kernels: 'v2', choices: [] }, other]);
    await store.clearAll();
    expect(await store.tunings.all()).toEqual([]);
    await store.close();
  });

  it('a finished ranking replaces its draft, and undo brings the draft back', async () => {
    const store = await Store.open();
    await store.conversations.saveOpen({ conversation, draft, message: '' });
    await store.rankings.finish(ranking('a', 1));
    expect(await store.rankings.draft()).toBeUndefined();
    await store.rankings.undo('a', draft);
    expect(await store.rankings.list()).toEqual([]);
    expect(await store.rankings.draft()).toEqual(draft);
    await store.close();
  });

  it('forgets an imported file as a whole and nothing else', async () => {
    const store = await Store.open();
    await store.rankings.add([ranking('own', 1), ranking('x', 2, 'hh.jsonl'), ranking('y', 3, 'hh.jsonl')]);
    expect(await store.rankings.removeSource('hh.jsonl')).toBe(2);
    expect((await store.rankings.list()).map(({ id }) => id)).toEqual(['own']);
    await store.close();
  });

  it('deletes a run together with its metrics', async () => {
    const store = await Store.open();
    await store.runs.save(run('r', 1));
    store.metrics.append('r', 1, { a: 1 });
    await store.metrics.flush();
    await store.runs.delete('r');
    expect((await store.exportAll()).metrics).toEqual([]);
    await store.close();
  });

  it('exports what the person made, and forgets all of it when asked', async () => {
    const store = await Store.open();
    await store.rankings.add([ranking('a', 1)]);
    await store.checkpoints.save('nano', [
      { name: 'sft', runId: 'r', step: 1, final: true, bytes: new ArrayBuffer(8) },
    ]);
    const exported = await store.exportAll();
    expect(JSON.parse(JSON.stringify(exported))).toMatchObject({ format: 'nudge-export', rankings: [ranking('a', 1)] });
    await store.clearAll();
    expect((await store.exportAll()).rankings).toEqual([]);
    expect((await store.checkpoints.load('nano')).files).toEqual([]);
    await store.close();
  });

  it('that forgot everything stores nothing more: what was on its way goes too', async () => {
    const store = await Store.open();
    const clearing = store.clearAll();
    await store.rankings.add([ranking('on its way', 1)]);
    await clearing;
    await store.preferences.set({ name: 'place', value: 'train' });
    store.metrics.append('r', 1, { a: 1 });
    await store.close();
    const { rankings, preferences, metrics } = await (await Store.open()).exportAll();
    expect({ rankings, preferences, metrics }).toEqual({ rankings: [], preferences: [], metrics: [] });
  });

  it('that could not forget everything says so and goes on storing', async () => {
    const store = await Store.open();
    await store.rankings.add([ranking('a', 1)]);
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(() => {
      throw new DOMException('no', 'UnknownError');
    });
    await expect(store.clearAll()).rejects.toThrow(/Expected the browser to delete/);
    transaction.mockRestore();
    await store.rankings.add([ranking('b', 2)]);
    expect((await store.rankings.list()).map(({ id }) => id)).toEqual(['b']);
    await store.close();
  });

  it('stores the open chat in one transaction that is committed at once', async () => {
    const store = await Store.open();
    const commit = vi.spyOn(IDBTransaction.prototype, 'commit');
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction');
    await store.conversations.saveOpen({ conversation, draft, message: 'And th' });
    expect([transaction.mock.calls.length, commit.mock.calls.length]).toEqual([1, 1]);
    vi.restoreAllMocks();
    await store.close();
  });

  it('keeps no conversation in which nothing was said', async () => {
    const store = await Store.open();
    await store.conversations.saveOpen({ conversation: { ...conversation, messages: [] }, draft: null, message: 'Hi' });
    expect(await store.conversations.list()).toEqual([]);
    expect((await store.preferences.all()).message).toBe('Hi');
    await store.close();
  });

  it('without IndexedDB it opens, keeps everything in memory and says so', async () => {
    vi.stubGlobal('indexedDB', undefined);
    const store = await Store.open();
    expect(store.status).toMatchObject({ state: 'memory-only', error: { code: 'storage-unavailable' } });
    await store.rankings.add([ranking('a', 1)]);
    await store.checkpoints.save('nano', [
      { name: 'sft', runId: 'r', step: 1, final: true, bytes: new ArrayBuffer(8) },
    ]);
    expect(await store.rankings.list()).toHaveLength(1);
    expect((await store.checkpoints.load('nano')).files).toHaveLength(1);
  });

  it('opens a database of a newer Nudge in memory only, and leaves it alone', async () => {
    (await openDB('nudge', DATABASE_VERSION + 1)).close();
    const store = await Store.open();
    expect(store.status).toMatchObject({
      state: 'memory-only',
      error: { message: expect.stringMatching(/newer Nudge/) },
    });
  });

  it('steps aside for a newer tab, and goes on in memory', async () => {
    const store = await Store.open();
    await store.rankings.add([ranking('a', 1)]);
    const newer = await openDB('nudge', DATABASE_VERSION + 1);
    await store.rankings.add([ranking('b', 2)]);
    expect(store.status).toMatchObject({ state: 'memory-only', error: { remedy: expect.stringMatching(/Reload/) } });
    expect((await store.rankings.list()).map(({ id }) => id)).toEqual(['b']);
    newer.close();
  });

  it('waits a few seconds for a database that does not answer, goes on in memory, and saves when it answers', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    // A deletion that waits for another tab holds up every opening after it.
    const otherTab = await openDB('nudge', 1);
    const deletion = deleteDB('nudge');
    const opening = Store.open();
    await vi.advanceTimersByTimeAsync(5000);
    const store = await opening;
    await store.conversations.saveOpen({ conversation, draft: null, message: '' });
    expect(store.status).toMatchObject({ state: 'memory-only', error: { message: expect.stringMatching(/answered/) } });

    otherTab.close();
    await deletion;
    await vi.waitFor(() => expect(store.status).toEqual({ state: 'saved' }));
    expect(await store.conversations.list()).toHaveLength(1);
    await store.close();
  });

  it('reopens a connection that the system closed', async () => {
    const store = await Store.open();
    await store.rankings.add([ranking('a', 1)]);
    const opening = vi.spyOn(indexedDB, 'open');
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementationOnce(() => {
      throw new DOMException('The database connection is closing.', 'InvalidStateError');
    });
    await store.rankings.add([ranking('b', 2)]);
    expect(opening).toHaveBeenCalledTimes(1);
    transaction.mockRestore();
    expect(store.status).toEqual({ state: 'saved' });
    expect(await store.rankings.list()).toHaveLength(2);
    await store.close();
  });
});
