import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, describe, it, vi } from 'vitest';
import type { TuningReport } from '../session/protocol';
import { Store } from '../store/store';
import { KernelTuning } from './kernelTuning.svelte';
import { Notices } from './notices.svelte';
import { openSession } from './workerDouble';

const REPORT: TuningReport = {
  ...{ adapter: 'A GPU', kernels: 'v1', measuredAt: 3, refusals: [] },
  choices: [{ kernel: 'matrix product NN', shape: '64 x 64 x 64', variant: 'quad', ms: 0.5, gflops: 1 }],
};

describe('kernels chosen for this GPU', () => {
  beforeEach(() => vi.stubGlobal('indexedDB', new IDBFactory()));
  afterEach(() => vi.unstubAllGlobals());

  it('are shown as they are measured, and known to the next visit', async () => {
    const { session, worker } = await openSession();
    const store = await Store.open();
    const tuning = new KernelTuning(session, store, new Notices());
    expect(await tuning.stored()).toEqual([]);
    worker.say({ type: 'tuning', report: REPORT, left: 2 });
    expect([tuning.report, tuning.left]).toEqual([REPORT, 2]);
    await store.close();
    const later = new KernelTuning(session, await Store.open(), new Notices());
    expect(await later.stored()).toEqual([REPORT]);
  });

  it('are no longer shown when another session is about to open', async () => {
    const { session, worker } = await openSession();
    const tuning = new KernelTuning(session, await Store.open(), new Notices());
    worker.say({ type: 'tuning', report: REPORT, left: 2 });
    await tuning.stored();
    expect([tuning.report, tuning.left]).toEqual([null, 0]);
  });

  it('are measured again on request; what is in the way is said', async () => {
    const refused = vi.fn(() => Promise.reject(new Error('no')));
    const { session, worker } = await openSession();
    const notices = new Notices();
    const tuning = new KernelTuning(session, await Store.open(), notices);
    await tuning.measureAgain();
    expect(worker.requests('tuning.measureAgain')).toEqual([{}]);
    vi.spyOn(session, 'call').mockImplementation(refused);
    await tuning.measureAgain();
    expect(notices.list).toMatchObject([{ topic: 'session' }]);
  });
});
