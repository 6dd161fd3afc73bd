/** "Let a simulated labeler rank for me": rankings by the world's own truth, always marked as simulated. */
import { REPLIES_PER_PROMPT } from '../config';
import type { Seeds } from './blindOrder';
import { Job } from './job.svelte';
import type { Labels } from './labels.svelte';
import type { Session } from './session.svelte';

export const SIMULATED_AT_ONCE = 50;

export class Simulation {
  readonly job: Job;
  /** What the last run brought, for a live region. */
  done = $state('');

  readonly #session: Session;
  readonly #labels: Labels;
  readonly #seeds: Seeds;

  constructor(session: Session, labels: Labels, seeds: Seeds) {
    this.#session = session;
    this.#labels = labels;
    this.#seeds = seeds;
    this.job = new Job(session);
  }

  async rank(count = SIMULATED_AT_ONCE): Promise<void> {
    this.done = '';
    const result = await this.job.run((jobId) =>
      this.#session.call('rank.simulate', {
        jobId,
        count,
        k: REPLIES_PER_PROMPT,
        split: 'train',
        from: this.#session.speaker,
        temperature: 1,
        seed: this.#seeds.next(),
      }),
    );
    if (result && (await this.#labels.addMany(result.rankings, null))) {
      this.done = `${result.rankings.length} simulated rankings added.`;
    }
  }
}
