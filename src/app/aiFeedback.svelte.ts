/** AI feedback: principles that rank replies in place of a person, and that criticise and revise them. */
import type { RevisedReply } from '../session/protocol';
import type { Seeds } from './blindOrder';
import { Job } from './job.svelte';
import type { Labels } from './labels.svelte';
import type { Session } from './session.svelte';
import type { Simulation } from './simulation.svelte';

export const REVISED_AT_ONCE = 50;

export class AiFeedback {
  readonly job: Job;
  /** Principles that were turned off. */
  #off = $state.raw<ReadonlySet<string>>(new Set());
  /** Of the last run, shown with what was wrong. */
  revisions = $state.raw<readonly RevisedReply[]>([]);
  /** What was just done, for a live region. */
  done = $state('');
  readonly #session: Session;
  readonly #labels: Labels;
  readonly #simulation: Simulation;
  readonly #seeds: Seeds;

  constructor(session: Session, labels: Labels, simulation: Simulation, seeds: Seeds) {
    this.#session = session;
    this.#labels = labels;
    this.#simulation = simulation;
    this.#seeds = seeds;
    this.job = new Job(session);
  }

  get principles(): { id: string; text: string; on: boolean }[] {
    return (this.#session.catalogue?.principles ?? []).map((own) => ({ ...own, on: !this.#off.has(own.id) }));
  }

  /** Ids of those that apply. */
  get chosen(): string[] {
    return this.principles.filter(({ on }) => on).map(({ id }) => id);
  }

  toggle(id: string): void {
    const off = new Set(this.#off);
    if (!off.delete(id)) off.add(id);
    this.#off = off;
  }

  rank = async (): Promise<void> => {
    this.done = '';
    await this.#simulation.rank(REVISED_AT_ONCE, this.chosen);
    this.done = this.#simulation.done;
  };

  /** Revised replies become demonstrations, from which SFT learns. */
  revise = async (): Promise<void> => {
    this.done = '';
    this.revisions = [];
    const result = await this.job.run((jobId) =>
      this.#session.call('feedback.revise', {
        jobId,
        count: REVISED_AT_ONCE,
        from: this.#session.speaker,
        principles: this.chosen,
        seed: this.#seeds.next(),
      }),
    );
    if (!result) return;
    const { revisions } = result;
    for (const { demonstration, reply } of revisions)
      if (!(await this.#labels.addDemonstration({ ...demonstration, editedFrom: reply }))) return;
    this.revisions = revisions;
    this.done = `${revisions.length} of ${REVISED_AT_ONCE} replies went against their principle; as revised they are demonstrations now.`;
  };
}
