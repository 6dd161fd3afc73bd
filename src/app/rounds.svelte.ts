/**
 * Rounds: every policy that is trained here is kept, rated against the others, chatted against, and gone back to; and the
 * loop of collecting, reward model and policy can go round by itself (Stiennon et al. 2020, section 3.1; Bai et al. 2022).
 */
import type { PlainError } from '../errors';
import type { Ranking, SessionEvent, Standing } from '../session/protocol';
import type { RoundRecord } from '../store/schema';
import type { Store } from '../store/store';
import { Job } from './job.svelte';
import type { Labeler } from './labeler.svelte';
import type { Labels } from './labels.svelte';
import { LoopDriver } from './loopDriver';
import type { Notices } from './notices.svelte';
import type { Pipeline } from './pipeline.svelte';
import type { Run } from './run.svelte';
import type { Session } from './session.svelte';
import type { Training } from './training.svelte';
import type { Seeds } from './blindOrder';

/** Held-out prompts of a tournament. */
export const TOURNAMENT_PROMPTS = 100;

export interface RoundsPlan {
  /** How often round. */
  rounds: number;
  /** Rankings that each round adds. */
  rankings: number;
}

export type RoundsState = 'idle' | 'running' | 'done' | 'failed' | 'stopped';

export class RoundsOfTraining {
  /** Oldest first. */
  list = $state.raw<readonly RoundRecord[]>([]);
  /** Of the SFT model, when they were rated last in this visit. */
  sftStanding = $state.raw<Omit<Standing, 'name'> | null>(null);
  /** The round whose policy writes half of the replies to be ranked. */
  opponent = $state.raw<RoundRecord | null>(null);
  readonly rating: Job;

  /** Of going round by itself. */
  state = $state<RoundsState>('idle');
  doing = $state('');
  error = $state.raw<PlainError | null>(null);

  readonly #session: Session;
  readonly #training: Training;
  readonly #pipeline: Pipeline;
  readonly #labels: Labels;
  readonly #labeler: Labeler;
  readonly #store: Store;
  readonly #notices: Notices;
  readonly #seeds: Seeds;
  readonly #driver: LoopDriver;
  readonly #isTrial: () => boolean;
  /** Runs that are no rounds, or are kept already. */
  readonly #settled = new Set<string>();
  #restored = false;

  /** @param isTrial whether what is trained now is to show a mistake, and no round */
  constructor(
    session: Session,
    training: Training,
    pipeline: Pipeline,
    labels: Labels,
    labeler: Labeler,
    store: Store,
    notices: Notices,
    seeds: Seeds,
    isTrial: () => boolean,
  ) {
    this.#session = session;
    this.#training = training;
    this.#pipeline = pipeline;
    this.#labels = labels;
    this.#labeler = labeler;
    this.#store = store;
    this.#notices = notices;
    this.#seeds = seeds;
    this.#isTrial = isTrial;
    this.rating = new Job(session);
    this.#driver = new LoopDriver(session, training, 'Going round');
    session.listen((event) => this.#hear(event));
  }

  get job(): Job {
    return this.#driver.job;
  }

  /** Brings back what was kept of one size of model. */
  async restore(): Promise<void> {
    const preset = this.#session.report?.model.preset;
    this.opponent = null;
    this.sftStanding = null;
    this.list = preset ? await this.#store.rounds.list(preset) : [];
    for (const { id } of this.list) this.#settled.add(id);
    this.#restored = true;
  }

  /** All rounds and the SFT model against each other, as the simulated labeler that was chosen judges. */
  async rate(): Promise<void> {
    const rounds = this.list;
    const { chosen: judge, weights } = this.#labeler;
    const policies = await Promise.all(
      rounds.map(async ({ id, bytes }) => ({ name: id, bytes: await bytes.arrayBuffer() })),
    );
    const report = await this.rating.run((jobId) =>
      this.#session.call('policies.rate', {
        jobId,
        policies,
        prompts: TOURNAMENT_PROMPTS,
        seed: this.#seeds.next(),
        ...(weights && { weights }),
      }),
    );
    if (!report) return;
    const standings = new Map(report.standings.map(({ name, ...standing }) => [name, standing]));
    this.sftStanding = standings.get('SFT') ?? null;
    await this.#replace(
      rounds.map((round) => ({ ...round, judge, standing: standings.get(round.id) ?? round.standing })),
    );
  }

  /** Makes the policy of a round the policy. */
  async bringBack(round: RoundRecord): Promise<void> {
    await this.#guard(async () => {
      const bytes = await round.bytes.arrayBuffer();
      this.#session.adopt(await this.#session.call('policy.bringBack', { bytes }, [bytes]));
    });
  }

  async remove(round: RoundRecord): Promise<void> {
    await this.#guard(async () => {
      await this.#store.rounds.remove(round.id);
      if (this.opponent?.id === round.id) this.opponent = null;
      this.list = this.list.filter(({ id }) => id !== round.id);
    });
  }

  /**
   * Goes round: the newest policy's replies are ranked, the reward model learns from all rankings where the chosen method
   * goes by one, and the policy goes on by that method.
   */
  async start({ rounds, rankings }: RoundsPlan): Promise<void> {
    if (this.state === 'running') return;
    this.state = 'running';
    this.error = null;
    this.#driver.begin();
    try {
      const collected: Ranking[] = await this.#labels.rankings();
      for (let round = 1; round <= rounds; round++) {
        const seed = this.#seeds.next();
        const step = (what: string): void => void (this.doing = `Round ${round} of ${rounds}: ${what}`);
        step('a simulated labeler ranks');
        const from = this.#session.speaker === 'base' ? 'sft' : this.#session.speaker;
        const { result } = await this.#driver.timed(() =>
          this.#driver.rank(rankings, 'train', seed, this.#labeler.weights, from),
        );
        if (await this.#labels.addMany(result, null)) collected.push(...result);
        const { name, byRewardModel } = this.#pipeline.method;
        if (byRewardModel) {
          step('reward model');
          await this.#driver.timed(() => this.#driver.train(this.#pipeline.learning(seed, collected)));
        }
        step(name);
        await this.#driver.timed(() => this.#driver.train(this.#pipeline.tuning(seed, collected, [], true)));
      }
      this.state = 'done';
    } catch (error) {
      ({ state: this.state, error: this.error } = this.#driver.ending(error));
    } finally {
      this.doing = '';
    }
  }

  stop(): void {
    this.#driver.stop();
  }

  /** A policy that was trained to its end, or stopped with something learnt, is a round. */
  #hear(event: SessionEvent): void {
    if (event.type !== 'session.changed' || !this.#restored) return;
    const run = this.#training.runs.ppo;
    if (!run || run.live || run.elsewhere || !run.learned || event.report.stages.policy !== 'trained') return;
    if (this.#settled.has(run.id)) return;
    this.#settled.add(run.id);
    if (!this.#isTrial()) void this.#keep(run, event.report.model.preset);
  }

  async #keep(run: Run, preset: RoundRecord['preset']): Promise<void> {
    await this.#guard(async () => {
      const { bytes } = await this.#session.call('model.export', { name: 'policy', exact: true });
      const kl = run.metrics.column('objective/kl').filter((value) => value !== null);
      await this.#replace([
        ...this.list,
        {
          id: run.id,
          preset,
          number: (this.list.at(-1)?.number ?? 0) + 1,
          method: run.method?.name ?? 'PPO',
          seed: run.seed,
          createdAt: Date.now(),
          rankings: this.#labels.count,
          kl: kl.at(-1) ?? null,
          standing: null,
          bytes: new Blob([bytes]),
        },
      ]);
    });
  }

  async #replace(list: readonly RoundRecord[]): Promise<void> {
    this.list = list;
    await this.#guard(() => this.#store.rounds.save(list));
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#notices.fail('training', error);
    }
  }
}
