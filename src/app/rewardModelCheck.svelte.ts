/** Drift check: whether the reward model still knows better from worse on what the policy says now. */
import type { RewardModelCheck as Report } from '../session/protocol';
import type { Seeds } from './blindOrder';
import { Job } from './job.svelte';
import type { Labeler } from './labeler.svelte';
import type { Session } from './session.svelte';

const RANKINGS = 60;

export class RewardModelCheck {
  readonly job: Job;
  /** Of the SFT model's replies, which it learned from, and of the policy's. */
  reports = $state.raw<readonly Report[]>([]);
  /** The simulated labeler that `reports` go by. */
  judge = $state('');
  readonly #session: Session;
  readonly #labeler: Labeler;
  readonly #seeds: Seeds;

  constructor(session: Session, labeler: Labeler, seeds: Seeds) {
    this.#session = session;
    this.#labeler = labeler;
    this.#seeds = seeds;
    this.job = new Job(session);
  }

  start = async (): Promise<void> => {
    this.reports = [];
    const seed = this.#seeds.next();
    const { chosen, weights } = this.#labeler;
    this.judge = chosen;
    for (const from of ['sft', 'policy'] as const) {
      const report = await this.job.run((jobId) =>
        this.#session.call('rewardModel.check', { jobId, from, rankings: RANKINGS, seed, ...(weights && { weights }) }),
      );
      if (!report) return;
      this.reports = [...this.reports, report];
    }
  };
}
