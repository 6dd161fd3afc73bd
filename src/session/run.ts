/**
 * Drives one stage: pause, step, resume, stop; progress and time left; the last good weights; a lost device.
 */
import { CancelledError, DeviceLostError, NonFiniteError, toPlainError, type PlainError } from '../errors';
import { nextMacrotask } from '../gpu/macrotask';
import { assignVariables, readVariables } from '../model/checkpoint';
import { writeSafetensors } from '../model/safetensors';
import type { TrainingStep } from '../rlhf/trainingStep';
import { causeOf } from './deviceLoss';
import type { RunState, SessionEvent } from './protocol';
import type { SavedState, Stage } from './stage';

export interface RunSurroundings {
  emit(event: SessionEvent, transfer?: Transferable[]): void;
  /** Resolves when the device that is in use now is lost. */
  deviceLost(): Promise<DeviceLostError>;
  /** Starts a device anew and rebuilds the models that are not being trained. */
  recoverDevice(): Promise<void>;
  /** What checkpoints on the way say of the run, so that it can go on from them. */
  readonly metadata: Record<string, string>;
}

/** Seconds between two checkpoints that go to the page while a run is on. */
const CHECKPOINT_SECONDS = 15;
/** A device that is lost more often than this in one run is not asked for again. */
const MAX_RECOVERIES = 5;
/** Steps over which the time of a step is averaged. */
const TIMED_STEPS = 20;

export class Run {
  readonly runId: string;
  readonly stage: Stage;
  /** Settles when the run is over, however it ended. */
  readonly over: Promise<RunState>;
  readonly #surroundings: RunSurroundings;
  readonly #abort = new AbortController();
  #state: RunState = 'running';
  #stepOnce = false;
  #wake: () => void = () => undefined;
  #lastGood: SavedState | null = null;
  #lastCheckpoint = performance.now();
  #step = 0;
  /** The stage was asked to put its work to use. */
  #finishing = false;
  readonly #durations: number[] = [];

  /** @param saved where an interrupted run stood; null begins anew */
  constructor(
    stage: Stage,
    runId: string,
    surroundings: RunSurroundings,
    saved: SavedState | null,
    startPaused: boolean,
  ) {
    this.stage = stage;
    this.runId = runId;
    this.#surroundings = surroundings;
    if (startPaused) this.#state = 'paused';
    this.over = this.#drive(saved);
  }

  get state(): RunState {
    return this.#state;
  }

  /** There are steps behind the weights that it ends with; otherwise it leaves the models as they were. */
  get learned(): boolean {
    return (this.#lastGood?.step ?? 0) > 0;
  }

  pause(): void {
    if (this.#state === 'running') this.#enter('paused');
  }

  resume(): void {
    if (this.#state === 'paused') this.#enter('running');
  }

  /** One more step, then paused again. */
  step(): void {
    this.#stepOnce = true;
    this.resume();
  }

  /** Ends the run after the piece of work that is under way; what was learned is kept. */
  stop(): void {
    this.#abort.abort();
    this.#wake();
  }

  #enter(state: RunState, error: PlainError | null = null): void {
    this.#state = state;
    this.#surroundings.emit({ type: 'run.state', runId: this.runId, stage: this.stage.name, state, error });
    this.#wake();
  }

  async #drive(saved: SavedState | null): Promise<RunState> {
    try {
      this.#goBackTo(saved);
      this.stage.build(saved);
      this.#enter(this.#state);
      await this.#workWithRecovery();
      if (this.#stoppedInVain) this.stage.undo?.();
      else this.#emitCheckpoint(true);
      this.stage.release();
      this.#enter(this.#abort.signal.aborted ? 'stopped' : 'done');
    } catch (error) {
      await this.#fail(error);
    }
    return this.#state;
  }

  /** The work of the stage; where the device is lost in the middle of it, on a new one from the last good weights. */
  async #workWithRecovery(): Promise<void> {
    for (let recoveries = 0; ; recoveries++) {
      const lost = this.#surroundings.deviceLost();
      try {
        await this.#work(lost);
        return;
      } catch (error) {
        const cause = await causeOf(error, lost);
        if (!(cause instanceof DeviceLostError) || recoveries >= MAX_RECOVERIES) throw cause;
        await this.#surroundings.recoverDevice();
        this.#finishing = false;
        this.#goBackTo(this.#lastGood);
        this.stage.build(this.#lastGood);
      }
    }
  }

  async #work(deviceLost: Promise<DeviceLostError>): Promise<void> {
    const lost = deviceLost.then((error) => {
      throw error;
    });
    lost.catch(() => undefined); // heard in the races, if anything is still running then
    this.#lastGood ??= await Promise.race([this.#save(), lost]);
    try {
      await this.#steps(lost);
    } catch (error) {
      if (!(error instanceof CancelledError && this.#abort.signal.aborted)) throw error;
      this.#restoreLastGood();
    }
    this.#lastGood = await Promise.race([this.#save(), lost]);
    if (this.#stoppedInVain) return;
    this.#finishing = true;
    await Promise.race([this.stage.finish(), lost]);
    this.#lastGood = await Promise.race([this.#save(), lost]);
  }

  /** The steps of the stage until it is done, stopped, or something went wrong. */
  async #steps(lost: Promise<never>): Promise<void> {
    const generator = this.stage.run(this.#abort.signal);
    let started = performance.now();
    for (;;) {
      started += await this.#whilePaused();
      if (this.#abort.signal.aborted) return;
      const next = await Promise.race([generator.next(), lost]);
      await nextMacrotask();
      if (next.done) return;
      const { value } = next;
      if (value.metrics) {
        this.#durations.push((performance.now() - started) / 1000);
        if (this.#durations.length > TIMED_STEPS) this.#durations.shift();
        started = performance.now();
      }
      this.#report(value);
      if (!value.metrics) continue;
      this.#step = value.step;
      if (value.step % this.stage.saveEvery === 0) {
        this.#lastGood = await Promise.race([this.#save(), lost]);
        this.#emitCheckpoint(false);
      }
      if (this.#stepOnce) {
        this.#stepOnce = false;
        if (this.#state === 'running') this.#enter('paused');
      }
    }
  }

  /** Stopped before its first step. */
  get #stoppedInVain(): boolean {
    return this.#abort.signal.aborted && !this.learned;
  }

  /** Waits as long as the run is paused; returns the milliseconds waited. */
  async #whilePaused(): Promise<number> {
    const from = performance.now();
    while (this.#state === 'paused' && !this.#abort.signal.aborted) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return performance.now() - from;
  }

  #report({ step, steps, phase, metrics, samples, written }: TrainingStep): void {
    const { emit } = this.#surroundings;
    const common = { runId: this.runId, stage: this.stage.name };
    const secondsPerStep =
      this.#durations.reduce((sum, seconds) => sum + seconds, 0) / Math.max(1, this.#durations.length);
    const done = metrics ? step : step - 1;
    const progress = { step: done, steps, phase, secondsPerStep, secondsLeft: secondsPerStep * (steps - done) };
    emit({ type: 'run.progress', ...common, progress });
    if (metrics) emit({ type: 'run.metrics', ...common, step, values: metrics });
    if (samples) emit({ type: 'run.samples', ...common, step, samples });
    if (written) emit({ type: 'run.written', ...common, written });
  }

  /** @throws NonFiniteError; what is saved can always be gone back to */
  async #save(): Promise<SavedState> {
    const weights = await readVariables(this.stage.variables());
    for (const [name, { values }] of weights) {
      if (!areFinite(values)) throw new NonFiniteError(`The weight ${name}`, this.#step);
    }
    return { step: this.#step, weights, numbers: this.stage.numbers() };
  }

  #emitCheckpoint(final: boolean): void {
    const now = performance.now();
    if (!this.#lastGood || (!final && now - this.#lastCheckpoint < CHECKPOINT_SECONDS * 1000)) return;
    this.#lastCheckpoint = now;
    const { step, weights, numbers } = this.#lastGood;
    const metadata = {
      ...(!final && this.#surroundings.metadata),
      stage: this.stage.name,
      runId: this.runId,
      steps: String(this.stage.steps),
      numbers: JSON.stringify(numbers),
    };
    const bytes = writeSafetensors(weights, metadata);
    const file = { name: this.stage.checkpoint, runId: this.runId, step, final, bytes };
    this.#surroundings.emit({ type: 'checkpoint', file }, [bytes]);
  }

  async #fail(error: unknown): Promise<void> {
    await this.#cleanUp(async () => {
      if (!this.learned) {
        this.stage.undo?.();
        return;
      }
      this.#restoreLastGood();
      // What was learned up to the last good weights is put to use and stored, unless just that is what failed.
      if (this.#finishing) return;
      await this.stage.finish();
      this.#lastGood = await this.#save();
      this.#emitCheckpoint(true);
    });
    await this.#cleanUp(() => this.stage.release());
    this.#enter('failed', toPlainError(error));
  }

  /** The first error says what went wrong; a second, while cleaning up, would only hide it. */
  async #cleanUp(act: () => void | Promise<void>): Promise<void> {
    try {
      await act();
    } catch (later) {
      this.#surroundings.emit({ type: 'error', error: toPlainError(later) });
    }
  }

  #restoreLastGood(): void {
    if (!this.#lastGood) return;
    this.#goBackTo(this.#lastGood);
    assignVariables(this.stage.variables(), { tensors: new Map(this.#lastGood.weights) });
    this.stage.setNumbers(this.#lastGood.numbers);
  }

  /** What comes counts from here. */
  #goBackTo(saved: SavedState | null): void {
    this.#lastGood = saved;
    this.#step = saved?.step ?? 0;
  }
}

/** 0 times a number is 0; times an infinity or NaN it is NaN. */
function areFinite(values: Float32Array): boolean {
  let sum = 0;
  for (const value of values) sum += value * 0;
  return sum === 0;
}
