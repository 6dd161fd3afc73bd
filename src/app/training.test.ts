import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_SETTINGS } from '../config';
import type { RunState, SessionEvent } from '../session/protocol';
import { Autopilot } from './autopilot.svelte';
import { Labeler } from './labeler.svelte';
import { Notices } from './notices.svelte';
import type { Run } from './run.svelte';
import type { Session } from './session.svelte';
import { SettingsForm } from './settingsForm.svelte';
import { Training } from './training.svelte';
import type { StageRequest } from './training.svelte';
import { REPORT, openSession } from './workerDouble';
import type { WorkerDouble } from './workerDouble';

const SFT: StageRequest = { stage: 'sft', seed: 1, settings: DEFAULT_SETTINGS.sft, demonstrations: [] };

describe('training', () => {
  let worker: WorkerDouble;
  let session: Session;
  let notices: Notices;
  let training: Training;
  beforeEach(async () => {
    ({ worker, session } = await openSession());
    notices = new Notices();
    training = new Training(session, notices);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  const stateOf = (run: Run, state: RunState): SessionEvent => ({
    ...{ type: 'run.state', runId: run.id, stage: run.stage, state, error: null },
  });
  function takeSteps(run: Run, step: number): void {
    const progress = { step, steps: 4, phase: '', secondsPerStep: 1, secondsLeft: 1 };
    worker.say({ type: 'run.progress', runId: run.id, stage: run.stage, progress });
  }
  function end(run: Run, state: RunState): void {
    worker.say(stateOf(run, state));
    worker.say({ type: 'session.changed', report: REPORT });
  }
  async function runOf(steps: number, state: RunState): Promise<Run> {
    const run = await training.start(SFT);
    if (steps > 0) takeSteps(run, steps);
    end(run, state);
    return run;
  }

  it('stopped before its first step is as if it had never been: the run before it is the last one', async () => {
    const first = await runOf(0, 'stopped');
    expect(await training.ended(first)).toBe('stopped');
    expect(training.runs).toEqual({});
    const trained = await runOf(4, 'done');
    await runOf(0, 'stopped');
    expect(training.runs.sft).toBe(trained);
    expect(training.busy).toBe(false);
  });

  it('stopped after some steps is the last one, with all its steps, and so is one that failed', async () => {
    const stopped = await runOf(2, 'stopped');
    expect(training.runs.sft).toBe(stopped);
    expect([stopped.learned, stopped.progress?.step]).toEqual([true, 2]);
    const failed = await runOf(0, 'failed');
    expect(training.runs.sft).toBe(failed);
    expect(failed.learned).toBe(false);
  });

  it('that another tab refuses leaves the last run where it is', async () => {
    const trained = await runOf(4, 'done');
    vi.stubGlobal('navigator', {
      locks: { request: (_: string, __: object, work: (lock: null) => void) => Promise.resolve(work(null)) },
    });
    await expect(training.start(SFT)).rejects.toThrow('Another tab');
    expect(training.runs.sft).toBe(trained);
    expect(training.busy).toBe(false);
  });

  it('whose worker breaks down has failed, and says why', async () => {
    const run = await training.start(SFT);
    const ended = training.ended(run);
    worker.crash('out of memory');
    expect(await ended).toBe('failed');
    expect([run.state, run.error?.message, training.busy]).toEqual(['failed', 'out of memory', false]);
  });

  it('in a loop whose worker breaks down fails the loop, and the error is shown', async () => {
    const autopilot = new Autopilot(
      session,
      training,
      new SettingsForm(() => undefined),
      new Labeler(session, () => undefined),
    );
    const loop = autopilot.start({ seed: 0, rankings: 2, prompts: 2 });
    await vi.waitUntil(() => training.live !== null && !training.starting);
    worker.crash('out of memory');
    await loop;
    expect(autopilot.state).toBe('failed');
    expect(autopilot.error).toMatchObject({ message: 'out of memory', remedy: expect.stringContaining('Reload') });
  });

  it('in a loop that the person stops ends the loop as stopped, without an error', async () => {
    worker.answers['train.stop'] = () => {
      end(training.live as Run, 'stopped');
      return null;
    };
    const autopilot = new Autopilot(
      session,
      training,
      new SettingsForm(() => undefined),
      new Labeler(session, () => undefined),
    );
    const loop = autopilot.start({ seed: 0, rankings: 2, prompts: 2 });
    await vi.waitUntil(() => training.live !== null && !training.starting);
    autopilot.stop();
    await loop;
    expect([autopilot.state, autopilot.error]).toEqual(['stopped', null]);
  });
});
