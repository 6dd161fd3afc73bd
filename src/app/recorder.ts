/** Writes what a session does into the store as it happens: runs, metrics, checkpoints. Shows nothing. */
import type { CheckpointFile, CheckpointName, SessionEvent, SessionReport } from '../session/protocol';
import type { RunRecord } from '../store/schema';
import type { Store } from '../store/store';
import { throttled } from './frames';
import type { Run } from './run.svelte';
import type { Notices } from './notices.svelte';
import type { Session } from './session.svelte';
import type { Training } from './training.svelte';

/** Checkpoints that are sent one right after the other are stored in one go. */
const GATHER_MS = 100;
const RUN_EVERY_MS = 1000;
const NAMES: readonly CheckpointName[] = ['base', 'sft', 'rewardModel', 'policy'];

export class Recorder {
  readonly #session: Session;
  readonly #training: Training;
  readonly #store: Store;
  readonly #notices: Notices;
  #gathered: CheckpointFile[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #saveRunSoon = throttled(() => this.#saveRun(this.#training.live), RUN_EVERY_MS);
  #known: SessionReport | null = null;

  constructor(session: Session, training: Training, store: Store, notices: Notices) {
    this.#session = session;
    this.#training = training;
    this.#store = store;
    this.#notices = notices;
    session.listen((event) => this.#hear(event));
  }

  /** Stores at once what waits to be stored: the page is being left. */
  flush(): void {
    this.#saveRunSoon.flush();
  }

  /** Drops stored weights, and the run that had not ended, of which the session says that they do not exist any more. */
  forgetMissing(report: SessionReport): void {
    const before = this.#known;
    this.#known = report;
    if (!before || before.model.preset !== report.model.preset) return;
    const { preset } = report.model;
    const gone = NAMES.filter((name) => before.stages[name] === 'trained' && report.stages[name] !== 'trained');
    if (gone.length > 0) this.#keep(this.#store.checkpoints.remove(preset, gone));
    // While a run goes on, the session has none to go on with, and the stored one is that run's.
    if (before.resumable && !report.resumable && this.#training.live)
      this.#known = { ...report, resumable: before.resumable };
    else if (before.resumable && !report.resumable) this.#keep(this.#store.checkpoints.removeUnfinished(preset));
  }

  #hear(event: SessionEvent): void {
    switch (event.type) {
      case 'run.metrics':
        this.#store.metrics.append(event.runId, event.step, event.values);
        break;
      case 'run.progress':
        this.#saveRunSoon();
        break;
      case 'run.state':
      case 'run.rewardModel': {
        const run = Object.values(this.#training.runs).find(({ id }) => id === event.runId);
        // A run that the page let go of changed no model, so that a later visit need not know of it.
        if (run) this.#saveRun(run);
        else this.#keep(this.#store.runs.delete(event.runId));
        break;
      }
      case 'error':
        // A worker that broke down tells of no run's end.
        for (const run of Object.values(this.#training.runs)) if (run.error === event.error) this.#saveRun(run);
        break;
      case 'checkpoint':
        this.#gathered.push(event.file);
        if (this.#timer === null) this.#timer = setTimeout(() => this.#saveCheckpoints(), GATHER_MS);
        break;
      case 'session.changed':
        this.forgetMissing(event.report);
        break;
    }
  }

  #saveCheckpoints(): void {
    this.#timer = null;
    const preset = this.#session.report?.model.preset;
    // Of one model, and of the run that goes on, only the newest counts.
    const newest = new Map(this.#gathered.map((file) => [file.final ? file.name : 'unfinished', file]));
    this.#gathered = [];
    if (preset) this.#keep(this.#store.checkpoints.save(preset, [...newest.values()]));
  }

  #saveRun(run: Run | null): void {
    const preset = this.#session.report?.model.preset;
    if (!run || !preset || !run.settings) return;
    const record: RunRecord = {
      id: run.id,
      stage: run.stage,
      preset,
      seed: run.seed,
      settings: run.settings,
      method: run.method,
      state: run.state,
      step: run.progress?.step ?? 0,
      steps: run.progress?.steps ?? 0,
      createdAt: run.createdAt,
      updatedAt: Date.now(),
      seconds: run.seconds,
      error: run.error,
      rewardModel: run.report,
      samples: run.samples.map(({ id: _id, ...sample }) => sample),
      written: [...run.written],
    };
    this.#keep(this.#store.runs.save(record));
  }

  #keep(work: Promise<void>): void {
    work.catch((error: unknown) => this.#notices.fail('storage', error));
  }
}
