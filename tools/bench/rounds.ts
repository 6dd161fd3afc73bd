/**
 * The measurements, in their order. Contenders take turns, round after round, so that whatever else the machine does
 * hits all of them alike; figures are medians over the rounds, and the first turns, in which pipelines are compiled,
 * count for nothing.
 */
import { PRESETS, type ModelShape, type PresetName } from '../../src/config';
import type { ContenderName } from './contender';
import { trainingFlops } from './flops';
import type { Burst, DecodeFigures, PpoFigures, StartedOn } from './measured';
import type { KernelFigures } from './passTimes';
import type { Remote } from './remote';
import { fittedExponent, median } from './statistics';
import type { DecodingWork, PpoWork, TrainingWork } from './work';

export interface BenchOptions {
  preset: PresetName;
  /** Fewer rounds, fewer positions. */
  quick: boolean;
  contenders: ContenderName[];
  subgroups: boolean;
  /** Whether this engine may keep operands of products in float16. */
  f16: boolean;
  /** Which parts to run; `growth` is how the cost grows with the work, of this engine alone. */
  parts: Part[];
  batch: number;
  length: number;
}

export const PARTS = ['train', 'decode', 'ppo', 'kernels', 'growth'] as const;
export type Part = (typeof PARTS)[number];

/** Everything that was measured, before it is summed up. */
export interface Measurements {
  options: BenchOptions;
  shape: ModelShape;
  started: Partial<Record<ContenderName, StartedOn>>;
  coldStart: Partial<Record<ContenderName, number>>;
  training: Partial<Record<ContenderName, TrainingMeasurement>>;
  decoding: Partial<Record<ContenderName, { one: DecodeFigures[]; many: DecodeFigures[]; dispatchesPerToken: number }>>;
  decodingWork: DecodingWork;
  ppoWork: PpoWork;
  ppo: PpoFigures[];
  kernels: KernelFigures[];
  matrixProductPeak: { size: number; gflops: number } | null;
  sweep: SweepSeries[];
  /** Whether this engine did keep some in float16. */
  halfPrecisionRan: boolean;
  /** Contenders that failed, and why. */
  failed: Partial<Record<ContenderName, string>>;
}

export interface TrainingMeasurement {
  bursts: Burst[];
  /** Of every step from the first, warm-up included. */
  losses: number[];
}

export interface SweepSeries {
  what: 'width' | 'layers' | 'context' | 'batch';
  points: { x: number; ms: number; gflops: number }[];
  /** p of ms = c x^p */
  exponent: number;
  /** The same of the operations: what the exponent would be at a constant rate. */
  flopsExponent: number;
}

/** Makes contenders; in a page each is a worker. */
export interface Stage {
  open(name: ContenderName): Remote;
  say(line: string): void;
}

const WARM_UP_STEPS = 4;
const SLOW_STEP_MS = 2000;
const MANY_PROMPTS = 32;
const SEED = 7;
/**
 * A turn lasts about so long, so that a fast step is timed many times and a slow one once. The first step of a turn finds
 * cold caches: the other contenders have just run.
 */
const TURN_MS = 2000;
/** Where nobody waits for a turn. */
const ALONE_MS = 200;
const MOST_STEPS_A_TURN = 20;

export async function runBench(options: BenchOptions, stage: Stage): Promise<Measurements> {
  const shape = PRESETS[options.preset];
  const { quick } = options;
  const results: Measurements = {
    options,
    shape,
    started: {},
    coldStart: {},
    training: {},
    decoding: {},
    decodingWork: { shape, seed: SEED, promptLength: 16, newTokens: 32, positions: quick ? 1 : 4 },
    ppoWork: { shape, seed: SEED, prompts: 32, promptLength: 16, newTokens: 32, epochs: 4, minibatch: 32 },
    ppo: [],
    kernels: [],
    matrixProductPeak: null,
    sweep: [],
    halfPrecisionRan: false,
    failed: {},
  };
  const contenders = new Map<ContenderName, Remote>();
  /** Who failed in the part that is measured now: left out of the rest of it, and said so; the others go on. */
  const out = new Set<ContenderName>();
  const attempt = async (name: ContenderName, what: string, act: (it: Remote) => Promise<void>): Promise<void> => {
    const contender = contenders.get(name);
    if (!contender || out.has(name)) return;
    try {
      stage.say(`${what}: ${name}`);
      await act(contender);
    } catch (error) {
      out.add(name);
      const sentence = `${what}: ${error instanceof Error ? error.message : String(error)}`;
      results.failed[name] = [results.failed[name], sentence].filter(Boolean).join('\n');
      stage.say(`${name} failed. ${sentence}`);
    }
  };

  for (const name of options.contenders) {
    const began = performance.now();
    contenders.set(name, stage.open(name));
    await attempt(name, 'starting', async (it) => {
      results.started[name] = await it.start();
      if (!(await it.abilities()).decoding) return;
      await it.prepareDecoding({ ...results.decodingWork, newTokens: 1, positions: 1 });
      await it.decode(1);
      results.coldStart[name] = performance.now() - began;
      await it.endDecoding();
    });
  }
  for (const name of out) contenders.delete(name);
  const each = async (what: string, act: (it: Remote, name: ContenderName) => Promise<void>): Promise<void> => {
    for (const name of [...contenders.keys()]) await attempt(name, what, (it) => act(it, name));
  };

  const work: TrainingWork = { shape, batch: options.batch, length: options.length, seed: SEED };
  const parts: Record<Part, () => Promise<void>> = {
    train: () => measureTraining(work, quick ? 3 : 9, results, each),
    decode: () => measureDecoding(quick ? 1 : 3, results, each),
    ppo: () => attempt('nudge', 'PPO update', (it) => measurePpo(quick ? 1 : 5, results, it)),
    kernels: () => attempt('nudge', 'kernels', (it) => measureKernels(work, quick ? 2 : 5, results, it)),
    growth: () => attempt('nudge', 'growth', (it) => measureGrowth(quick, work, results, it, stage)),
  };
  for (const part of PARTS) {
    if (!options.parts.includes(part)) continue;
    out.clear();
    await parts[part]();
  }
  out.clear();
  await attempt('nudge', 'end', async (it) => {
    results.halfPrecisionRan = await it.halfPrecisionRan();
  });
  return results;
}

type Each = (what: string, act: (it: Remote, name: ContenderName) => Promise<void>) => Promise<void>;

async function measureTraining(work: TrainingWork, rounds: number, results: Measurements, each: Each): Promise<void> {
  const turns = new Map<ContenderName, number>();
  await each('training, warm-up', async (it, name) => {
    await it.prepareTraining(work);
    const losses: number[] = [];
    let last = Number.POSITIVE_INFINITY;
    // The first step compiles; where the second takes seconds, a third would tell nothing new.
    for (let step = 0; step < (last < SLOW_STEP_MS ? WARM_UP_STEPS : 2); step++) {
      const { ms, steps } = await it.train(1);
      last = ms;
      losses.push(...steps.map(({ loss }) => loss));
    }
    turns.set(name, Math.min(MOST_STEPS_A_TURN, Math.max(1, Math.round(TURN_MS / last))));
    results.training[name] = { bursts: [], losses };
  });
  for (let round = 0; round < rounds; round++) {
    await each(`training, round ${round + 1} of ${rounds}`, async (it, name) => {
      const burst = await it.train(turns.get(name) ?? 1);
      results.training[name]?.bursts.push(burst);
      results.training[name]?.losses.push(...burst.steps.map(({ loss }) => loss));
    });
  }
  await each('training, end', (it) => it.endTraining());
}

async function measureDecoding(rounds: number, results: Measurements, each: Each): Promise<void> {
  const work = results.decodingWork;
  const eachThatDecodes: Each = (what, act) =>
    each(what, async (it, name) => {
      if ((await it.abilities()).decoding) await act(it, name);
    });
  await eachThatDecodes('decoding, warm-up', async (it, name) => {
    await it.prepareDecoding({ ...work, positions: 1 });
    await it.decode(1);
    await it.decode(MANY_PROMPTS);
    await it.endDecoding();
    await it.prepareDecoding(work);
    results.decoding[name] = { one: [], many: [], dispatchesPerToken: Number.NaN };
  });
  for (let round = 0; round < rounds; round++) {
    await eachThatDecodes(`decoding, round ${round + 1} of ${rounds}`, async (it, name) => {
      const figures = results.decoding[name];
      figures?.one.push(await it.decode(1));
      const many = await it.decode(MANY_PROMPTS);
      figures?.many.push(many);
      if (figures) figures.dispatchesPerToken = (many.dispatches * MANY_PROMPTS) / many.tokens;
    });
  }
  await eachThatDecodes('decoding, end', (it) => it.endDecoding());
}

async function measurePpo(rounds: number, results: Measurements, it: Remote): Promise<void> {
  if (!(await it.abilities()).ppo) return;
  await it.preparePpo(results.ppoWork);
  await it.updatePpo();
  for (let round = 0; round < rounds; round++) results.ppo.push(await it.updatePpo());
  await it.endPpo();
}

async function measureKernels(work: TrainingWork, repeats: number, results: Measurements, it: Remote): Promise<void> {
  results.matrixProductPeak = await it.matrixProductPeak();
  await it.prepareTraining(work);
  await it.train(WARM_UP_STEPS);
  results.kernels = (await it.profileTraining(work, repeats)) ?? [];
  await it.endTraining();
}

/** One size at a time, doubled from a base that is small in all others. */
async function measureGrowth(
  quick: boolean,
  base: TrainingWork,
  results: Measurements,
  it: Remote,
  stage: Stage,
): Promise<void> {
  const heads = (width: number): number => Math.max(1, width / 32);
  const context = Math.max(base.length, base.shape.context);
  const sized = (shape: Partial<ModelShape>, batch = base.batch, length = base.length): TrainingWork => ({
    ...base,
    shape: { ...base.shape, context: Math.max(context, length), ...shape },
    batch,
    length,
  });
  const series: Record<SweepSeries['what'], [number, TrainingWork][]> = {
    width: [64, 128, 256, 512].map((width) => [width, sized({ width, heads: heads(width) })]),
    layers: [2, 4, 8].map((layers) => [layers, sized({ layers })]),
    // The number of tokens would grow with the context; rows are taken away so that it stays.
    context: [64, 128, 256, 512].map((length) => [length, sized({}, Math.max(1, 1024 / length), length)]),
    batch: [8, 16, 32, 64].map((batch) => [batch, sized({}, batch)]),
  };
  for (const [what, works] of Object.entries(series) as [SweepSeries['what'], [number, TrainingWork][]][]) {
    const points: (SweepSeries['points'][number] & { flops: number })[] = [];
    for (const [x, work] of works) {
      stage.say(`growth: ${what} ${x}`);
      await it.prepareTraining(work);
      await it.train(2);
      const { ms: first } = await it.train(1);
      const steps = Math.min(MOST_STEPS_A_TURN, Math.max(1, Math.round(ALONE_MS / first)));
      const times: number[] = [];
      for (let round = 0; round < (quick ? 1 : 5); round++) times.push((await it.train(steps)).ms);
      await it.endTraining();
      const flops = trainingFlops(work.shape, work.batch, work.length);
      points.push({ x, ms: median(times), gflops: flops / median(times) / 1e6, flops });
    }
    results.sweep.push({
      what,
      points: points.map(({ x, ms, gflops }) => ({ x, ms, gflops })),
      exponent: fittedExponent(points.map(({ x, ms }) => ({ x, y: ms }))),
      flopsExponent: fittedExponent(points.map(({ x, flops }) => ({ x, y: flops }))),
    });
  }
}
