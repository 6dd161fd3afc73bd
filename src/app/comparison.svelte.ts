/** Compare: one prompt, several replies of each model side by side, and the measurement on held-out prompts. */
import type { SamplingSettings } from '../config';
import { toPlainError } from '../errors';
import type { PlainError } from '../errors';
import type {
  CheckpointName,
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
  role: ModelRole;
  replies: readonly Reply[];
  /** What they say so far. */
  texts: readonly string[];
  state: 'waiting' | 'writing' | 'done';
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
  credits = $state.raw<Partial<Record<ModelRole, CreditedPiece[][]>> | null>(null);
  heldOutPrompts = $state(100);
  /** Of the measurement. 0: the likeliest reply to each prompt; 1: samples, as in training. */
  temperature = $state<0 | 1>(0);
  /** Whose weights the measurement goes by. */
  labeler = $state<LabelerName>('balanced');
  readonly measuring: Job;

  readonly #session: Session;
  readonly #seeds: Seeds;
  readonly #sampling: () => SamplingSettings;
  #job: { id: string; role: ModelRole } | null = null;

  /** The models have changed since they were measured. */
  readonly measuredEarlier: boolean = $derived.by(
    () => this.measured !== null && this.#haveChangedSince(this.measuredModels),
  );
  /** The models have changed since they were asked. */
  readonly askedEarlier: boolean = $derived.by(
    () => this.columns.length > 0 && !this.busy && this.#haveChangedSince(this.#askedModels),
  );

  readonly #onmeasured: (report: EvaluationReport, models: Fingerprints) => void;

  /** @param onmeasured called with each measurement that was made */
  constructor(
    session: Session,
    seeds: Seeds,
    sampling: () => SamplingSettings,
    onmeasured: (report: EvaluationReport, models: Fingerprints) => void,
  ) {
    this.#session = session;
    this.#onmeasured = onmeasured;
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

  async another(): Promise<void> {
    try {
      this.prompt = (await this.#session.call('world.prompt', { seed: this.#seeds.next() })).text;
    } catch (error) {
      this.error = toPlainError(error);
      return;
    }
    await this.ask();
  }

  /** Asks every model in turn, with one seed, so that only the weights differ. */
  async ask(): Promise<void> {
    const text = this.prompt.trim();
    this.refusal = text === '' ? 'The prompt is empty. Write something first, or take one with “Another”.' : '';
    if (text === '' || this.busy) return;
    this.busy = true;
    this.error = null;
    this.asked = text;
    const credited = this.credits !== null;
    this.credits = null;
    this.#askedModels = this.#models;
    const seed = this.#seeds.next();
    this.columns = this.roles.map((role) => ({ role, replies: [], texts: [], state: 'waiting' }));
    try {
      for (const role of this.roles) {
        const id = crypto.randomUUID();
        this.#job = { id, role };
        this.#update(role, { state: 'writing' });
        const { replies } = await this.#session.call('chat.reply', {
          jobId: id,
          conversation: [{ role: 'user', text }],
          k: SAMPLES_PER_MODEL,
          from: role,
          sampling: this.#sampling(),
          seed,
        });
        this.#update(role, { state: 'done', replies, texts: replies.map((reply) => reply.text) });
      }
      if (credited) await this.showCredits(true);
    } catch (error) {
      const plain = toPlainError(error);
      if (plain.code !== 'cancelled') this.error = plain;
    } finally {
      this.#job = null;
      this.busy = false;
    }
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
    const all: Partial<Record<ModelRole, CreditedPiece[][]>> = {};
    try {
      for (const { role, replies } of this.columns) {
        const tokens = replies.map(({ tokenIds }) => tokenIds);
        all[role] = (await this.#session.call('chat.credit', { conversation, replies: tokens })).replies;
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

  #update(role: ModelRole, change: Partial<ColumnOfReplies>): void {
    this.columns = this.columns.map((column) => (column.role === role ? { ...column, ...change } : column));
  }

  #hear(event: SessionEvent): void {
    if (event.type === 'reply.partial' && this.#job && event.jobId === this.#job.id) {
      this.#update(this.#job.role, { texts: event.texts });
    }
  }
}
