/** A saved run, run again: whether another browser, or this one, comes to the same numbers. */
import type { ReplayReport } from '../session/protocol';
import { Job } from './job.svelte';
import type { Session } from './session.svelte';

export class Replay {
  readonly job: Job;
  report = $state.raw<ReplayReport | null>(null);
  fileName = $state('');
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
    this.job = new Job(session);
  }

  start = async (file: File): Promise<void> => {
    this.report = null;
    this.fileName = file.name;
    const bytes = await file.arrayBuffer();
    this.report = await this.job.run((jobId) => this.#session.call('run.replay', { jobId, bytes }, [bytes]));
  };
}
