/** What the whole loop and the lessons ask of the session: stages trained to their end, rankings simulated, an end. */
import { REPLIES_PER_PROMPT } from '../config';
import { CancelledError, NudgeError, RemoteError, toPlainError } from '../errors';
import type { PlainError } from '../errors';
import type { ModelRole, PartValues, Ranking } from '../session/protocol';
import { Job } from './job.svelte';
import type { Run } from './run.svelte';
import type { Session } from './session.svelte';
import type { StageRequest, Training } from './training.svelte';

/** Rollouts, rankings and measurement all sample at this temperature, as in the published recipe. */
export const LOOP_TEMPERATURE = 1;

export class LoopDriver {
  readonly job: Job;
  readonly #session: Session;
  readonly #training: Training;
  /** What is done, for the error of one who stops it. */
  readonly #what: string;
  #stopAsked = false;

  constructor(session: Session, training: Training, what: string) {
    this.#session = session;
    this.#training = training;
    this.#what = what;
    this.job = new Job(session);
  }

  begin(): void {
    this.#stopAsked = false;
  }

  stop(): void {
    this.#stopAsked = true;
    this.job.cancel();
    void this.#training.stop();
  }

  /** How it ends that something was thrown: by the person's wish, or by an error to be shown. */
  ending(thrown: unknown): { state: 'stopped' | 'failed'; error: PlainError | null } {
    const error = toPlainError(thrown);
    return this.#stopAsked || error.code === 'cancelled'
      ? { state: 'stopped', error: null }
      : { state: 'failed', error };
  }

  /**
   * Work that counts the seconds it took.
   * @throws NudgeError: CancelledError once a stop was asked for
   */
  async timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
    if (this.#stopAsked) throw new CancelledError(this.#what);
    const startedAt = performance.now();
    try {
      const result = await work();
      return { result, seconds: (performance.now() - startedAt) / 1000 };
    } catch (error) {
      throw error instanceof NudgeError ? error : new RemoteError(toPlainError(error));
    }
  }

  /** @returns the run, once it is over and the session has taken up what came of it */
  async train(request: StageRequest): Promise<Run> {
    const run = await this.#training.start(request);
    const state = await this.#training.ended(run);
    if (run.error) throw new RemoteError(run.error);
    if (state !== 'done') throw new CancelledError(this.#what);
    return run;
  }

  /** Rankings of a model's replies by a simulated labeler; the balanced one unless weights are given. */
  async rank(
    count: number,
    split: 'train' | 'heldOut',
    seed: number,
    weights: PartValues | null = null,
    from: ModelRole = 'sft',
  ): Promise<Ranking[]> {
    const { rankings } = await this.do((jobId) =>
      this.#session.call('rank.simulate', {
        jobId,
        count,
        k: REPLIES_PER_PROMPT,
        split,
        from,
        temperature: LOOP_TEMPERATURE,
        seed,
        ...(weights && { weights }),
      }),
    );
    return rankings;
  }

  /** A job whose failure ends all of it. */
  async do<T>(work: (jobId: string) => Promise<T>): Promise<T> {
    const result = await this.job.run(work);
    if (result !== null) return result;
    const error = this.job.error;
    throw error ? new RemoteError(error) : new CancelledError(this.#what);
  }
}
