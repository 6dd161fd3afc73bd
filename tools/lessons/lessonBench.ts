/** Runs lessons in Node, on the stages that the page's worker drives; what two lessons share is done once. */
import { DEFAULT_SETTINGS, type Settings } from '../../src/config';
import { isSign, LESSON_PLAN, lessonSettings, readColumn, type Lesson, type Sign } from '../../src/lessons';
import type { MetricValues, Ranking } from '../../src/session/protocol';
import { PpoStage } from '../../src/session/stages/ppoStage';
import { RewardModelStage } from '../../src/session/stages/rewardModelStage';
import { SftStage } from '../../src/session/stages/sftStage';
import type { Workshop } from '../../src/session/workshop';
import { rank, runStage } from '../results/loop';

/** A column of numbers for each metric of a run. */
export type Columns = Readonly<Record<string, number[]>>;

export interface SignReading {
  sign: Sign;
  broken: { value: number | null; there: boolean };
  cured: { value: number | null; there: boolean };
}

export interface LessonOutcome {
  lesson: Lesson;
  signs: SignReading[];
  /** Whether the mistake leaves all of its signs ... */
  shown: boolean;
  /** ... and the cure removes them all. */
  cured: boolean;
}

export class LessonBench {
  readonly #load: () => Workshop;
  readonly #seed: number;
  #rankings: Promise<Record<'train' | 'heldOut', Ranking[]>> | null = null;
  /** By what they were trained with. */
  readonly #rewardModels = new Map<string, Promise<{ workshop: Workshop; columns: Columns }>>();
  readonly #runs = new Map<string, Promise<Columns>>();

  /** @param load gives a workshop with base and SFT model, another each time */
  constructor(load: () => Workshop, seed: number) {
    this.#load = load;
    this.#seed = seed;
  }

  async run(lesson: Lesson): Promise<LessonOutcome> {
    const broken = await this.#columns(lesson, true);
    const cured = await this.#columns(lesson, false);
    const signs = lesson.signs.map((sign): SignReading => {
      const read = (columns: Columns) => {
        const value = readColumn(columns[sign.metric] ?? [], sign.reading);
        return { value, there: isSign(value, sign) };
      };
      return { sign, broken: read(broken), cured: read(cured) };
    });
    return {
      lesson,
      signs,
      shown: signs.every((sign) => sign.broken.there),
      cured: signs.every((sign) => !sign.cured.there),
    };
  }

  #columns(lesson: Lesson, broken: boolean): Promise<Columns> {
    const settings = lessonSettings(DEFAULT_SETTINGS, lesson, broken);
    const used = lesson.shows === 'sft' ? settings.sft : [settings.rewardModel, lesson.shows === 'ppo' && settings.ppo];
    return once(this.#runs, JSON.stringify([lesson.shows, used]), async () => {
      if (lesson.shows === 'sft') return this.#sft(settings);
      const { workshop, columns } = await this.#rewardModel(settings);
      if (lesson.shows === 'rewardModel') return columns;
      return columnsOf(new PpoStage(workshop, settings.ppo, [], false, this.#seed));
    });
  }

  #sft({ sft }: Settings): Promise<Columns> {
    return columnsOf(new SftStage(this.#load(), sft, [], this.#seed));
  }

  #rewardModel({ rewardModel }: Settings): Promise<{ workshop: Workshop; columns: Columns }> {
    return once(this.#rewardModels, JSON.stringify(rewardModel), async () => {
      this.#rankings ??= this.#rank();
      const { train, heldOut } = await this.#rankings;
      const workshop = this.#load();
      const stage = new RewardModelStage(workshop, rewardModel, train, heldOut, this.#seed);
      return { workshop, columns: await columnsOf(stage) };
    });
  }

  async #rank(): Promise<Record<'train' | 'heldOut', Ranking[]>> {
    const workshop = this.#load();
    const { rankings, heldOutRankings } = LESSON_PLAN;
    const plan = { labeler: 'balanced' } as const;
    return {
      train: await rank(workshop, plan, rankings, 'train', this.#seed, () => undefined),
      heldOut: await rank(workshop, plan, heldOutRankings, 'heldOut', this.#seed + 1, () => undefined),
    };
  }
}

function once<T>(made: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  let own = made.get(key);
  if (!own) made.set(key, (own = make()));
  return own;
}

async function columnsOf(stage: Parameters<typeof runStage>[0]): Promise<Columns> {
  const rows: MetricValues[] = [];
  await runStage(stage, (metrics) => rows.push(metrics));
  const keys = new Set(rows.flatMap((row) => Object.keys(row)));
  return Object.fromEntries([...keys].map((key) => [key, rows.flatMap((row) => row[key] ?? [])]));
}
