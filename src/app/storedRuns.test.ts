import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_SETTINGS } from '../config';
import type { RunRecord } from '../store/schema';
import { Store } from '../store/store';
import { Notices } from './notices.svelte';
import { Recorder } from './recorder';
import { StoredRuns } from './storedRuns';
import { Training } from './training.svelte';
import type { StageRequest } from './training.svelte';
import { REPORT, openSession, stubPage } from './workerDouble';

const record = (id: string, changes: Partial<RunRecord> = {}): RunRecord => ({
  ...{
    id,
    stage: 'ppo',
    preset: 'nano',
    seed: 0,
    settings: DEFAULT_SETTINGS.ppo,
    state: 'running',
    step: 3,
    steps: 20,
  },
  ...{ createdAt: 10, updatedAt: 10, seconds: null, error: null, rewardModel: null, samples: [] },
  ...changes,
});

describe('the runs that the store has', () => {
  let store: Store;
  let training: Training;
  let notices: Notices;
  let runs: StoredRuns;
  let tabs: { heldElsewhere: boolean };
  beforeEach(async () => {
    vi.stubGlobal('indexedDB', new IDBFactory());
    store = await Store.open();
    const { session } = await openSession();
    tabs = stubPage();
    notices = new Notices();
    training = new Training(session, notices);
    runs = new StoredRuns(training, store, notices);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await store.close();
    vi.unstubAllGlobals();
  });

  /** Time for another look, and for what it reads. */
  async function soon(check: () => void): Promise<void> {
    await vi.advanceTimersByTimeAsync(3000);
    await vi.waitFor(check);
  }

  it('are the last of each stage, with their metrics; one without an end was cut short', async () => {
    await store.runs.save(record('old', { state: 'done', createdAt: 1 }));
    await store.runs.save(record('new'));
    await store.runs.save(record('other size', { preset: 'mini', createdAt: 99 }));
    await store.runs.save(record('sft', { stage: 'sft', state: 'done' }));
    store.metrics.append('new', 3, { 'objective/kl': 0.5 });
    await runs.restore('nano');
    expect([training.runs.ppo?.id, training.runs.ppo?.state, training.runs.sft?.state]).toEqual([
      'new',
      'stopped',
      'done',
    ]);
    expect(training.runs.ppo?.metrics.column('objective/kl')).toEqual([0.5]);
    expect(notices.list).toEqual([]);
  });

  it('leave those out that ended before their first step, but not those that failed', async () => {
    await store.runs.save(record('trained', { state: 'done', createdAt: 1 }));
    await store.runs.save(record('cut short', { step: 0 }));
    await store.runs.save(record('failed', { stage: 'sft', state: 'failed', step: 0 }));
    await runs.restore('nano');
    expect([training.runs.ppo?.id, training.runs.sft?.id]).toEqual(['trained', 'failed']);
  });

  it('show what another tab trains as going on there, follow it, and tell when it is over', async () => {
    tabs.heldElsewhere = true;
    await store.runs.save(record('cut short', { stage: 'sft', updatedAt: 5 }));
    await store.runs.save(record('live', { step: 0, steps: 0 }));
    await runs.restore('nano');
    const run = training.elsewhere;
    expect([run?.id, run?.live, training.live, training.shown]).toEqual(['live', false, null, 'ppo']);
    expect(training.runs.sft).toMatchObject({ id: 'cut short', state: 'stopped' });
    expect(notices.list).toMatchObject([{ message: 'Another tab of Nudge is training right now.' }]);

    await store.runs.save(record('live', { step: 7, updatedAt: 20 }));
    await soon(() => expect(training.elsewhere?.progress?.step).toBe(7));
    expect(training.elsewhere).toBe(run);

    store.metrics.append('live', 8, { 'objective/kl': 0.5 });
    await store.runs.save(record('live', { state: 'done', step: 20, seconds: 9, updatedAt: 30 }));
    tabs.heldElsewhere = false;
    await soon(() => expect(training.elsewhere).toBeNull());
    expect(training.runs.ppo).toMatchObject({ id: 'live', state: 'done', seconds: 9 });
    expect(training.runs.ppo?.metrics.length).toBe(1);
    await soon(() => expect(notices.list).toMatchObject([{ message: 'The other tab is done training.' }]));
  });

  it('follow another tab from one stage to the next', async () => {
    tabs.heldElsewhere = true;
    await store.runs.save(record('first', { stage: 'rewardModel' }));
    await runs.restore('nano');
    await store.runs.save(record('first', { stage: 'rewardModel', state: 'done', updatedAt: 20 }));
    await store.runs.save(record('second', { createdAt: 20, updatedAt: 21 }));
    await soon(() => expect(training.elsewhere?.id).toBe('second'));
    expect(training.runs.rewardModel?.state).toBe('done');
  });

  it('of another tab that it took back are not shown any more', async () => {
    tabs.heldElsewhere = true;
    await store.runs.save(record('vain', { step: 0 }));
    await runs.restore('nano');
    expect(training.elsewhere?.id).toBe('vain');
    await store.runs.delete('vain');
    await soon(() => expect(training.runs).toEqual({}));
  });

  it('take a run of this tab for nobody else’s', async () => {
    await runs.restore('nano');
    const run = await training.start({ stage: 'sft', seed: 1, settings: DEFAULT_SETTINGS.sft, demonstrations: [] });
    await store.runs.save(record(run.id, { stage: 'sft' }));
    await soon(() => expect([training.elsewhere, training.live]).toEqual([null, run]));
    expect(notices.list).toEqual([]);
  });
});

describe('the recorder', () => {
  it('keeps no run that changed no model, and the failure of one whose worker broke down', async () => {
    vi.stubGlobal('indexedDB', new IDBFactory());
    const store = await Store.open();
    const { session, worker } = await openSession();
    const notices = new Notices();
    const training = new Training(session, notices);
    new Recorder(session, training, store, notices);
    const request: StageRequest = { stage: 'sft', seed: 1, settings: DEFAULT_SETTINGS.sft, demonstrations: [] };
    const vain = await training.start(request);
    worker.say({ type: 'run.state', runId: vain.id, stage: 'sft', state: 'running', error: null });
    await vi.waitFor(async () => expect(await store.runs.list()).toHaveLength(1));
    worker.say({ type: 'run.state', runId: vain.id, stage: 'sft', state: 'stopped', error: null });
    worker.say({ type: 'session.changed', report: REPORT });
    await vi.waitFor(async () => expect(await store.runs.list()).toEqual([]));

    const broken = await training.start(request);
    worker.crash('out of memory');
    await vi.waitFor(async () => expect(await store.runs.get(broken.id)).toMatchObject({ state: 'failed' }));
    await store.close();
    vi.unstubAllGlobals();
  });
});
