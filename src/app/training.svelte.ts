/** The four stages: the last run of each, at most one live, and the verbs start, pause, resume, step, stop. */
import type { StageName } from '../config';
import { RunConflictError } from '../errors';
import type { PlainError } from '../errors';
import type { RunState, SessionEvent, StartRequest } from '../session/protocol';
import type { Notices } from './notices.svelte';
import { Run } from './run.svelte';
import type { Session } from './session.svelte';
import { takeTrainingLock } from './trainingLock';
import type { TrainingLock } from './trainingLock';

type StartWithoutId<R extends StartRequest = StartRequest> = R extends StartRequest ? Omit<R, 'runId'> : never;
export type StageRequest = StartWithoutId & { runId?: string };

export class Training {
  /** The last run of each stage in this visit, or restored from the last one. */
  runs = $state.raw<Readonly<Partial<Record<StageName, Run>>>>({});
  /** The stage whose run is shown; follows what is started. */
  shown = $state<StageName>('ppo');
  /** A start was asked for and has not been answered yet. */
  starting = $state(false);

  readonly live: Run | null = $derived(Object.values(this.runs).find((run) => run.live) ?? null);
  /** What another tab trains now, if it is of the model that is open here. */
  readonly elsewhere: Run | null = $derived(Object.values(this.runs).find((run) => run.elsewhere) ?? null);
  readonly busy: boolean = $derived(this.starting || this.live !== null);

  readonly #session: Session;
  readonly #notices: Notices;
  readonly #endings = new Map<string, (state: RunState) => void>();
  #lock: TrainingLock | null = null;
  /** The run whose place the live one took. */
  #replaced: Run | null = null;
  /** Ended, and its session has not reported yet. */
  #over: Run | null = null;

  constructor(session: Session, notices: Notices) {
    this.#session = session;
    this.#notices = notices;
    session.listen((event) => this.#hear(event));
  }

  /**
   * Starts a stage and returns its run as soon as the worker took it on.
   *
   * @throws RunConflictError when this tab or another is training already
   */
  async start(request: StageRequest): Promise<Run> {
    if (this.busy) throw new RunConflictError('A training run is going on already.');
    this.starting = true;
    this.#replaced = this.runs[request.stage] ?? null;
    const run = new Run(request.runId ?? crypto.randomUUID(), request.stage);
    run.settings = request.settings;
    run.seed = request.seed;
    if (request.stage === 'ppo' && request.method)
      run.method = { name: request.method.name, settings: request.method.settings };
    try {
      this.#lock = await takeTrainingLock();
      this.#show(run);
      await this.#session.call('train.start', { ...request, runId: run.id });
      this.#notices.dismiss('training');
      return run;
    } catch (error) {
      this.#putBack(run);
      this.#unlock();
      throw error;
    } finally {
      this.starting = false;
    }
  }

  /** Goes on with a run that the end of an earlier visit interrupted. */
  async continueRun(stage: StageName, runId: string): Promise<void> {
    if (this.busy) throw new RunConflictError('A training run is going on already.');
    this.starting = true;
    const earlier = this.runs[stage];
    this.#replaced = earlier ?? null;
    const run = earlier?.id === runId ? earlier : new Run(runId, stage);
    try {
      this.#lock = await takeTrainingLock();
      this.#show(run);
      await this.#session.call('train.continue', { runId });
      if (!run.live) run.state = 'running';
    } catch (error) {
      this.#unlock();
      throw error;
    } finally {
      this.starting = false;
    }
  }

  /** Waits until a run is over and the session has taken up what came out of it. */
  ended(run: Run): Promise<RunState> {
    if (!run.live && this.#over !== run) return Promise.resolve(run.state);
    return new Promise((resolve) => this.#endings.set(run.id, resolve));
  }

  pause = (): Promise<void> => this.#tell('train.pause');
  resume = (): Promise<void> => this.#tell('train.resume');
  step = (): Promise<void> => this.#tell('train.step');
  stop = (): Promise<void> => this.#tell('train.stop');

  /** Puts a run that the store has in its place. */
  put(run: Run): void {
    this.runs = { ...this.runs, [run.stage]: run };
  }

  remove(run: Run): void {
    this.runs = Object.fromEntries(Object.entries(this.runs).filter(([, other]) => other !== run));
  }

  /** Drops what belongs to weights that are gone. */
  forget(): void {
    this.#abandon('stopped', null);
    this.runs = {};
  }

  async #tell(verb: 'train.pause' | 'train.resume' | 'train.step' | 'train.stop'): Promise<void> {
    const run = this.live;
    if (!run) return;
    try {
      await this.#session.call(verb, { runId: run.id });
    } catch (error) {
      this.#notices.fail('training', error);
    }
  }

  #show(run: Run): void {
    this.put(run);
    this.shown = run.stage;
  }

  /** The place of a run that changed no model belongs to the one before it. */
  #putBack(run: Run): void {
    this.remove(run);
    if (this.#replaced?.stage === run.stage) this.put(this.#replaced);
  }

  /** The worker that had the live run is gone. */
  #abandon(state: RunState, error: PlainError | null): void {
    const run = this.live;
    if (!run) return;
    run.hear({ type: 'run.state', runId: run.id, stage: run.stage, state, error });
    this.#end(run, state);
  }

  #hear(event: SessionEvent): void {
    if (event.type === 'error' && event.error.name === 'WorkerError') this.#abandon('failed', event.error);
    // The last word of a run: by now the session has its weights, and its report is here.
    if (event.type === 'session.changed' && this.#over) this.#end(this.#over, this.#over.state);
    if (!('runId' in event)) return;
    const run = Object.values(this.runs).find((one) => one.id === event.runId);
    if (!run) return;
    run.hear(event);
    if (event.type !== 'run.state') return;
    if (event.error && event.state === 'failed') this.#notices.showError('training', event.error);
    if (run.live) return;
    this.#unlock();
    this.#over = run;
    if (run.state === 'stopped' && !run.learned) this.#putBack(run);
  }

  #end(run: Run, state: RunState): void {
    this.#over = null;
    this.#unlock();
    this.#endings.get(run.id)?.(state);
    this.#endings.delete(run.id);
  }

  #unlock(): void {
    this.#lock?.release();
    this.#lock = null;
  }
}
