/** A piece of work that is not a training run: its progress, its error, and how to stop it. */
import { toPlainError } from '../errors';
import type { PlainError } from '../errors';
import type { SessionEvent } from '../session/protocol';
import type { Session } from './session.svelte';

export interface JobProgress {
  done: number;
  total: number;
  what: string;
  secondsLeft: number;
}

export class Job {
  running = $state(false);
  progress = $state.raw<JobProgress | null>(null);
  error = $state.raw<PlainError | null>(null);

  readonly #session: Session;
  #id: string | null = null;

  constructor(session: Session) {
    this.#session = session;
    session.listen((event) => this.#hear(event));
  }

  /**
   * Runs `work` with a fresh job id; a stop by the person ends it quietly.
   *
   * @returns what `work` returned, or null when it failed or was stopped
   */
  async run<T>(work: (jobId: string) => Promise<T>): Promise<T | null> {
    if (this.running) return null;
    const id = crypto.randomUUID();
    this.#id = id;
    this.running = true;
    this.progress = null;
    this.error = null;
    try {
      return await work(id);
    } catch (error) {
      const plain = toPlainError(error);
      if (plain.code !== 'cancelled') this.error = plain;
      return null;
    } finally {
      this.#id = null;
      this.running = false;
      this.progress = null;
    }
  }

  cancel = (): void => {
    if (this.#id !== null) this.#session.call('job.cancel', { jobId: this.#id }).catch(() => undefined);
  };

  #hear(event: SessionEvent): void {
    if (event.type !== 'job.progress' || event.jobId !== this.#id) return;
    this.progress = { done: event.done, total: event.total, what: event.what, secondsLeft: event.secondsLeft };
  }
}
