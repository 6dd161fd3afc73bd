import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StorageUnavailableError } from '../errors';
import { Store } from '../store/store';
import { Forgetting } from './forgetting.svelte';
import { Notices } from './notices.svelte';

describe('forgetting everything', () => {
  const channels: BroadcastChannel[] = [];
  const theme = new Map([['nudge-theme', 'dark']]);
  beforeEach(() => {
    vi.stubGlobal('indexedDB', new IDBFactory());
    vi.stubGlobal('localStorage', { removeItem: (key: string) => theme.delete(key) });
    vi.stubGlobal(
      'BroadcastChannel',
      class extends BroadcastChannel {
        constructor(name: string) {
          super(name);
          channels.push(this);
        }
      },
    );
  });
  afterEach(() => {
    for (const channel of channels.splice(0)) channel.close();
    vi.unstubAllGlobals();
  });

  async function tab() {
    const store = await Store.open();
    const notices = new Notices();
    const beginAnew = vi.fn();
    return { store, notices, beginAnew, forgetting: new Forgetting(store, notices, beginAnew) };
  }

  it('deletes what is stored and what was chosen, then begins anew, in every tab; what these still write is dropped', async () => {
    const [one, other] = [await tab(), await tab()];
    await one.store.preferences.set({ name: 'place', value: 'train' });
    await one.forgetting.everything();
    expect(one.beginAnew).toHaveBeenCalledTimes(1);
    await vi.waitFor(() => expect(other.beginAnew).toHaveBeenCalledTimes(1));
    for (const { store } of [one, other]) await store.preferences.set({ name: 'place', value: 'compare' });
    expect(await (await Store.open()).preferences.all()).toEqual({});
    expect([...theme]).toEqual([]);
  });

  it('that fails says so, and every tab goes on as before', async () => {
    const [one, other] = [await tab(), await tab()];
    vi.spyOn(one.store, 'clearAll').mockRejectedValue(new StorageUnavailableError('It did not.', 'Clear it by hand.'));
    await one.forgetting.everything();
    expect(one.notices.list).toMatchObject([{ message: 'It did not.', remedy: 'Clear it by hand.' }]);
    expect([one.forgetting.busy, one.beginAnew.mock.calls.length]).toEqual([false, 0]);
    await vi.waitFor(async () => {
      await other.store.preferences.set({ name: 'place', value: 'compare' });
      expect(await (await Store.open()).preferences.all()).toEqual({ place: 'compare' });
    });
    expect(other.beginAnew).not.toHaveBeenCalled();
  });
});
