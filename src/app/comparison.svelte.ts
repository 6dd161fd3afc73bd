/** Compare: one prompt, several replies of each model and the best of n side by side, and the measurement on held-out prompts. */
import { BEST_OF, DEFAULT_BEST_OF, type SamplingSettings } from '../config';
import { toPlainError } from '../errors';
import type { PlainError } from '../errors';
import type {
  CheckpointName,
  Contestant,
  CreditedPiece,
  EvaluationReport,
  Fingerprints,
  ModelRole,
  Reply,
  SessionEvent,
} from '../session/protocol';
import type { HELD_OUT_LABELERS, TRAINING_LABELERS } from '../text/world/labeler';
import type { Seeds } from './blindOrder';
import { Job } from './job.svelte';
import type { Session } from './session.svelte';

const SAMPLES_PER_MODEL = 3;
/** Replies to each held-out prompt where they are sampled; greedy, the second would be the first again. */
const SAMPLES_MEASURED = 2;

const MODELS: readonly CheckpointName[] = ['base', 'sft', 'rewardModel', 'policy'];

export type LabelerName = keyof typeof TRAINING_LABELERS | keyof typeof HELD_OUT_LABELERS;

export interface ColumnOfReplies {
  contestant: Contestant;
  /** Of best of n all of them, best first. */
  replies: readonly Reply[];
  /** What they say so far; of best of n in the order in which they are sampled, until the best is chosen. */
  texts: readonly string[];
  state: 'waiting' | 'writing' | 'done' | 'stopped';
  /** Of best of n: upper bound on its KL from the SFT model, nats a reply. */
  klBound?: number;
}

export class Comparison {
  prompt = $state('');
  refusal = $state('');
  asked = $state('');
  columns = $state.raw<readonly ColumnOfReplies[]>([]);
  busy = $state(false);
  error = $state.raw<PlainError | null>(null);
  measured = $state.raw<EvaluationReport | null>(null);
  /** The models that `measured` is of. */
  measuredModels = $state.raw<Fingerprints>({});
  /** The models that the columns are of. */
  #askedModels = $state.raw<Fingerprints>({});
  /** What each word adds to the scores, by model and reply; null until it was asked for. */
  credits = $state.raw<Partial<Record<Contestant, CreditedPiece[][]>> | null>(null);
  /** Replies of which the best is shown and measured (n). */
  bestOf = $state<number>(DEFAULT_BEST_OF);
  heldOutPrompts = $state(100);
  /** Of the measurement. 0: the likeliest reply to each prompt; 1: samples, as in training. */
  temperature = $state<0 | 1>(0);
  /** Whose weights the measurement goes by. */
  labeler = $state<LabelerName>('balanced');
  /** Of the measurement: best of n as well. */
  measuresBestOf = $state(false);
  readonly measuring: Job;

  readonly #session: Session;
  readonly #seeds: Seeds;
  readonly #sampling: () => SamplingSettings;
  #job: { id: string; contestant: Contestant } | null = null;
  /** Of the replies that are here. */
  #seed = 0;

  /** The models have changed since they were measured. */
  readonly measuredEarlier: boolean = $derived.by(
    () => this.measured !== null && this.#haveChangedSince(this.measuredModels),
  );
  /** The models have changed since they were asked. */
  readonly askedEarlier: boolean = $derived.by(
    () => this.columns.length > 0 && !this.busy && this.#haveChangedSince(this.#askedModels),
  );

  readonly #onmeasured: (report: EvaluationReport, models: Fingerprints) => void;
  readonly #onbestof: (n: number) => void;

  /**
   * @param onmeasured called with each measurement that was made
   * @param onbestof called with each n that was chosen
   */
  constructor(
    session: Session,
    seeds: Seeds,
    sampling: () => SamplingSettings,
    onmeasured: (report: EvaluationReport, models: Fingerprints) => void,
    onbestof: (n: number) => void = () => undefined,
  ) {
    this.#session = session;
    this.#onmeasured = onmeasured;
    this.#onbestof = onbestof;
    this.#seeds = seeds;
    this.#sampling = sampling;
    this.measuring = new Job(session);
    session.listen((event) => this.#hear(event));
  }

  /** Every model that has weights, in the order in which they were made. */
  get roles(): ModelRole[] {
    const stages = this.#session.report?.stages;
    if (!stages) return [];
    return (['base', 'sft', 'policy'] as const).filter((role) => stages[role] !== 'none');
  }

  /** Whether there is a model to choose among replies, and one whose replies it chooses from. */
  get canChooseBest(): boolean {
    const stages = this.#session.report?.stages;
    return stages !== undefined && stages.sft !== 'none' && stages.rewardModel !== 'none';
  }

  /** Who is asked, in the order in which they come about. */
  get contestants(): Contestant[] {
    return this.roles.flatMap((role): Contestant[] =>
      role === 'sft' && this.canChooseBest ? [role, 'bestOfN'] : [role],
    );
  }

  async another(): Promise<void> {
    try {
      this.prompt = (await this.#session.call('world.prompt', { seed: this.#seeds.next() })).text;
    } catch (error) {
      this.error = toPlainError(error);
      return;
    }
    await this.ask();
  }

  /** Asks everyone in turn, with one seed, so that only the weights differ, and best of n chooses among SFT’s own. */
  async ask(): Promise<void> {
    const text = this.prompt.trim();
    this.refusal = text === '' ? 'The prompt is empty. Write something first, or take one with “Another”.' : '';
    if (text === '' || this.busy) return;
    this.asked = text;
    this.#seed = this.#seeds.next();
    await this.#askAll();
  }

  /** Chooses n, and asks again what was asked: best of n alone where the models are still those of the other replies. */
  async chooseBestOf(n: number): Promise<void> {
    this.bestOf = n;
    this.#onbestof(n);
    const column = this.columns.find(({ contestant }) => contestant === 'bestOfN');
    if (!column || this.busy) return;
    if (this.askedEarlier) await this.#askAll();
    else await this.#askThese([waiting('bestOfN')]);
  }

  async #askAll(): Promise<void> {
    this.#askedModels = this.#models;
    this.columns = [];
    await this.#askThese(this.contestants.map(waiting));
  }

  /** Asks some, in the place of what they said before. */
  async #askThese(asked: readonly ColumnOfReplies[]): Promise<void> {
    this.busy = true;
    this.error = null;
    const credited = this.credits !== null;
    this.credits = null;
    if (this.columns.length === 0) this.columns = asked;
    try {
      for (const { contestant } of asked) {
        this.#update(contestant, { ...waiting(contestant), state: 'writing' });
        this.#update(contestant, { state: 'done', ...(await this.#repliesOf(contestant)) });
      }
      if (credited) await this.showCredits(true);
    } catch (error) {
      const plain = toPlainError(error);
      if (plain.code !== 'cancelled') this.error = plain;
    } finally {
      this.columns = this.columns.map((one) => (one.state === 'done' ? one : { ...one, state: 'stopped' }));
      this.#job = null;
      this.busy = false;
    }
  }

  async #repliesOf(contestant: Contestant): Promise<Pick<ColumnOfReplies, 'replies' | 'texts' | 'klBound'>> {
    const jobId = crypto.randomUUID();
    this.#job = { id: jobId, contestant };
    const conversation = [{ role: 'user' as const, text: this.asked }];
    const asking = { jobId, conversation, sampling: this.#sampling(), seed: this.#seed };
    const said =
      contestant === 'bestOfN'
        ? await this.#session.call('chat.bestOf', { ...asking, n: this.bestOf })
        : await this.#session.call('chat.reply', { ...asking, k: SAMPLES_PER_MODEL, from: contestant });
    return {
      replies: said.replies,
      texts: said.replies.map((reply) => reply.text),
      ...('klBound' in said && { klBound: said.klBound }),
    };
  }

  stop(): void {
    if (this.#job) this.#session.call('job.cancel', { jobId: this.#job.id }).catch(() => undefined);
  }

  /** Whether the replies that are here were scored, by a reward model that is still here. */
  get canCredit(): boolean {
    return (
      this.columns.some(({ replies }) => replies.some(({ score }) => score !== null)) &&
      this.#session.report?.stages.rewardModel === 'trained'
    );
  }

  async showCredits(shown: boolean): Promise<void> {
    this.credits = null;
    if (!shown) return;
    const conversation = [{ role: 'user' as const, text: this.asked }];
    const all: Partial<Record<Contestant, CreditedPiece[][]>> = {};
    try {
      for (const { contestant, replies } of this.columns) {
        const tokens = replies.map(({ tokenIds }) => tokenIds);
        all[contestant] = (await this.#session.call('chat.credit', { conversation, replies: tokens })).replies;
      }
      this.credits = all;
    } catch (error) {
      this.error = toPlainError(error);
    }
  }

  /** Brings a measurement of an earlier visit back, unless it is of a time when less was measured. */
  restore(report: EvaluationReport | undefined, models: Fingerprints = {}): void {
    const isWhole = report !== undefined && 'measures' in report;
    this.measured = isWhole ? report : null;
    this.measuredModels = isWhole ? models : {};
  }

  /** Takes up the n of an earlier visit, if it is one that can be chosen. */
  restoreBestOf(n: number | undefined): void {
    if ((BEST_OF as readonly (number | undefined)[]).includes(n)) this.bestOf = n as number;
  }

  async measure(seed: number): Promise<void> {
    const models = this.#models;
    const report = await this.measuring.run((jobId) =>
      this.#session.call('evaluate', {
        jobId,
        prompts: this.heldOutPrompts,
        samplesPerPrompt: this.temperature > 0 ? SAMPLES_MEASURED : 1,
        temperature: this.temperature,
        models: this.roles,
        seed,
        labeler: this.labeler,
        ...(this.measuresBestOf && this.canChooseBest && { bestOf: this.bestOf }),
      }),
    );
    if (!report) return;
    this.measured = report;
    this.measuredModels = models;
    this.#onmeasured(report, models);
  }

  get #models(): Fingerprints {
    return this.#session.report?.fingerprints ?? {};
  }

  #haveChangedSince(earlier: Fingerprints): boolean {
    const report = this.#session.report;
    if (!report) return false;
    const now = report.fingerprints;
    // What comes with the page has no fingerprint before it is fetched, and changes only with the page.
    const unknown = (name: CheckpointName): boolean =>
      (report.unfetched as CheckpointName[]).includes(name) ||
      (report.stages[name] === 'shipped' && earlier[name] === undefined);
    return MODELS.some((name) => !unknown(name) && now[name] !== earlier[name]);
  }

  #update(contestant: Contestant, change: Partial<ColumnOfReplies>): void {
    this.columns = this.columns.map((column) => (column.contestant === contestant ? { ...column, ...change } : column));
  }

  #hear(event: SessionEvent): void {
    if (event.type === 'reply.partial' && this.#job && event.jobId === this.#job.id) {
      this.#update(this.#job.contestant, { texts: event.texts });
    }
  }
}

const waiting = (contestant: Contestant): ColumnOfReplies => ({
  contestant,
  replies: [],
  texts: [],
  state: 'waiting',
});
