/** "Let a simulated labeler rank for me": rankings by the world's own truth, always marked as simulated. */
import { REPLIES_PER_PROMPT } from '../config';
import type { Seeds } from './blindOrder';
import { Job } from './job.svelte';
import type { Labeler } from './labeler.svelte';
import type { Labels } from './labels.svelte';
import type { Session } from './session.svelte';
import type { Ranking } from '../session/protocol';

export const SIMULATED_AT_ONCE = 50;

export class Simulation {
  readonly job: Job;
  /** What the last run brought, for a live region. */
  done = $state('');
  /** The newest rankings, each with why it came out so; empty before `look`. */
  latest = $state.raw<readonly Ranking[]>([]);

  readonly #session: Session;
  readonly #labels: Labels;
  readonly #labeler: Labeler;
  readonly #seeds: Seeds;

  constructor(session: Session, labels: Labels, labeler: Labeler, seeds: Seeds) {
    this.#session = session;
    this.#labels = labels;
    this.#labeler = labeler;
    this.#seeds = seeds;
    this.job = new Job(session);
  }

  /** Finds the newest rankings of earlier visits, if there are none of this one. */
  async look(): Promise<void> {
    if (this.latest.length === 0) this.latest = await this.#labels.simulatedRankings(SIMULATED_AT_ONCE);
  }

  /** @param principles of AI feedback, in place of the labeler */
  async rank(count = SIMULATED_AT_ONCE, principles: readonly string[] = []): Promise<void> {
    this.done = '';
    const { weights } = this.#labeler;
    const result = await this.job.run((jobId) =>
      this.#session.call('rank.simulate', {
        jobId,
        count,
        k: REPLIES_PER_PROMPT,
        split: 'train',
        from: this.#session.speaker,
        temperature: 1,
        seed: this.#seeds.next(),
        ...(principles.length > 0 ? { principles: [...principles] } : weights && { weights }),
      }),
    );
    if (result && (await this.#labels.addMany(result.rankings, null))) {
      this.done = `${result.rankings.length} simulated rankings added.`;
      this.latest = result.rankings;
    }
  }
}
