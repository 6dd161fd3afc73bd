/** Break it: a lesson's two runs, broken and cured, and what their numbers say. */
import type { PlainError } from '../errors';
import { isSign, LESSON_PLAN, LESSONS, lessonSettings, readColumn } from '../lessons';
import type { Lesson, Sign } from '../lessons';
import type { Ranking } from '../session/protocol';
import { LoopDriver } from './loopDriver';
import { MetricHistory } from './metricHistory.svelte';
import type { Run } from './run.svelte';
import type { Session } from './session.svelte';
import type { SettingsForm } from './settingsForm.svelte';
import type { Training } from './training.svelte';

export type LessonsState = 'idle' | 'running' | 'done' | 'failed' | 'stopped';

export interface SignReading {
  sign: Sign;
  broken: number | null;
  cured: number | null;
  /** In the broken run. */
  there: boolean;
  /** In the cured run as well. */
  stays: boolean;
}

/** A metric of both runs: columns `broken` and `cured`, a row a step. */
export interface TwoRuns {
  metric: string;
  history: MetricHistory;
}

export interface LessonResult {
  lesson: Lesson;
  readings: SignReading[];
  /** Of the signs and of what stands beside them, where there is more than one number. */
  charts: TwoRuns[];
  /** All signs are in the broken run, and none of them in the cured one. */
  shown: boolean;
}

export class Lessons {
  state = $state<LessonsState>('idle');
  chosen = $state.raw<Lesson>(LESSONS[0] as Lesson);
  /** What is being done now, in words. */
  doing = $state('');
  result = $state.raw<LessonResult | null>(null);
  error = $state.raw<PlainError | null>(null);
  readonly #driver: LoopDriver;
  readonly #settings: SettingsForm;

  constructor(session: Session, training: Training, settings: SettingsForm) {
    this.#settings = settings;
    this.#driver = new LoopDriver(session, training, 'The lesson');
  }

  get job() {
    return this.#driver.job;
  }

  /** The cured run comes last, so that what is left behind works. The outcome is in `state`, `result` and `error`. */
  async start(seed: number): Promise<void> {
    if (this.state === 'running') return;
    const lesson = this.chosen;
    this.state = 'running';
    this.result = null;
    this.error = null;
    this.#driver.begin();
    try {
      const rankings = lesson.shows === 'sft' ? null : await this.#rank(seed);
      const broken = await this.#run(lesson, true, rankings, seed);
      const cured = await this.#run(lesson, false, rankings, seed);
      this.result = resultOf(lesson, broken, cured);
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

  async #rank(seed: number): Promise<Record<'train' | 'heldOut', Ranking[]>> {
    this.doing = 'A simulated labeler ranks';
    const { rankings, heldOutRankings } = LESSON_PLAN;
    const { result } = await this.#driver.timed(async () => ({
      train: await this.#driver.rank(rankings, 'train', seed),
      heldOut: await this.#driver.rank(heldOutRankings, 'heldOut', seed + 1),
    }));
    return result;
  }

  /** @returns the run in whose numbers the lesson shows */
  async #run(
    lesson: Lesson,
    broken: boolean,
    rankings: Record<'train' | 'heldOut', Ranking[]> | null,
    seed: number,
  ): Promise<Run> {
    const settings = lessonSettings(this.#settings.values, lesson, broken);
    const which = broken ? 'Broken' : 'Cured';
    const train = async (what: string, request: Parameters<LoopDriver['train']>[0]): Promise<Run> => {
      this.doing = `${which}: ${what}`;
      return (await this.#driver.timed(() => this.#driver.train(request))).result;
    };
    if (!rankings)
      return train('supervised fine-tuning', { stage: 'sft', seed, settings: settings.sft, demonstrations: [] });
    const rewardModel = await train('reward model', {
      stage: 'rewardModel',
      seed,
      settings: settings.rewardModel,
      rankings: rankings.train,
      heldOut: rankings.heldOut,
    });
    if (lesson.shows === 'rewardModel') return rewardModel;
    return train('PPO', { stage: 'ppo', seed, settings: settings.ppo, extraPrompts: [], continuePolicy: false });
  }
}

function resultOf(lesson: Lesson, broken: Run, cured: Run): LessonResult {
  const readings = lesson.signs.map((sign): SignReading => {
    const [own, other] = [broken, cured].map((run) => readColumn(run.metrics.column(sign.metric), sign.reading));
    const [value, curedValue] = [own ?? null, other ?? null];
    return { sign, broken: value, cured: curedValue, there: isSign(value, sign), stays: isSign(curedValue, sign) };
  });
  const metrics = new Set([...lesson.signs.map(({ metric }) => metric), ...(lesson.beside ?? [])]);
  const charts = [...metrics].flatMap((metric): TwoRuns[] => {
    const columns = [broken, cured].map((run) => run.metrics.column(metric));
    if (!columns.every((column) => column.filter((value) => value !== null).length > 1)) return [];
    return [{ metric, history: sideBySide(columns[0] ?? [], columns[1] ?? []) }];
  });
  const shown = readings.every(({ there }) => there) && readings.every(({ stays }) => !stays);
  return { lesson, readings, charts, shown };
}

function sideBySide(broken: readonly (number | null)[], cured: readonly (number | null)[]): MetricHistory {
  const history = new MetricHistory();
  for (let i = 0; i < Math.max(broken.length, cured.length); i++)
    history.append(i + 1, { broken: broken[i] ?? NaN, cured: cured[i] ?? NaN });
  return history;
}
