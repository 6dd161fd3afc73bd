import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DEFAULT_SETTINGS } from '../config';
import type { CheckpointFile, SessionReport } from '../session/protocol';
import { Store } from '../store/store';
import { Notices } from './notices.svelte';
import { Recorder } from './recorder';
import { Training } from './training.svelte';
import { openSession, REPORT, type WorkerDouble } from './workerDouble';

const cutShort = { stage: 'sft', runId: 'cut short', step: 2, steps: 4, exact: true } as const;
const OFFERED: SessionReport = { ...REPORT, resumable: cutShort };
const file: CheckpointFile = { name: 'sft', runId: 'cut short', step: 2, final: false, bytes: new ArrayBuffer(8) };

let store: Store;
let worker: WorkerDouble;
let training: Training;
beforeEach(async () => {
  vi.stubGlobal('indexedDB', new IDBFactory());
  store = await Store.open();
  const opened = await openSession();
  worker = opened.worker;
  const notices = new Notices();
  training = new Training(opened.session, notices);
  new Recorder(opened.session, training, store, notices).forgetMissing(OFFERED);
  await store.checkpoints.save('nano', [file]);
});
afterEach(async () => {
  await store.close();
  vi.unstubAllGlobals();
});

const stored = async (): Promise<number> => (await store.checkpoints.load('nano')).files.length;
const changed = (report: SessionReport): void => worker.say({ type: 'session.changed', report });

it('an interrupted run is stored as long as it is offered, and no longer than that', async () => {
  changed(OFFERED);
  expect(await stored()).toBe(1);
  changed(REPORT);
  await vi.waitFor(async () => expect(await stored()).toBe(0));
});

it('while another run is on the interrupted one stays; when that has ended and it is not offered again, it goes', async () => {
  const { sft } = DEFAULT_SETTINGS;
  const run = await training.start({ stage: 'sft', seed: 1, settings: sft, demonstrations: [] });
  changed(REPORT);
  expect(await stored()).toBe(1);
  worker.say({ type: 'run.state', runId: run.id, stage: run.stage, state: 'stopped', error: null });
  changed(OFFERED); // it had no step: what was offered before is offered again
  expect(await stored()).toBe(1);
  changed(REPORT);
  await vi.waitFor(async () => expect(await stored()).toBe(0));
});
