/** What was measured, summed up: the JSON of `npm run bench -- --json`. */
import type { ModelShape } from '../../src/config';
import { CONTENDERS, type ContenderName } from './contender';
import { trainingFlops, TRAINING_FLOPS_FORMULA } from './flops';
import type { CallCounts } from './gpuCalls';
import type { StepFigures } from './measured';
import type { KernelFigures } from './passTimes';
import type { Measurements, SweepSeries, TrainingMeasurement } from './rounds';
import { median } from './statistics';

export interface TrainStepReport extends CallCounts {
  ms: number;
  encodeMs: number;
  gflops: number;
  /** Nats a token of the first step and of the last, and how many steps there were. */
  loss: { first: number; last: number; steps: number };
}

export interface DecodeReport {
  tokensPerSecond: number;
  tokensPerSecondBatch32: number;
  dispatchesPerToken: number;
}

export interface BenchReport {
  adapter: string;
  features: string[];
  preset: string;
  subgroups: boolean;
  /** Of this engine's products: whether they might keep operands in float16, and whether some did. */
  f16: { allowed: boolean; ran: boolean };
  model: ModelShape & { parameters: number };
  batch: { rows: number; tokens: number };
  flops: { trainStep: number; formula: string };
  trainStep: Partial<Record<ContenderName, TrainStepReport>>;
  decode: Partial<Record<ContenderName, DecodeReport>>;
  ppoUpdate: {
    ms: number;
    rolloutMs: number;
    scoreMs: number;
    trainMs: number;
    prompts: number;
    newTokens: number;
    epochs: number;
    minibatch: number;
  } | null;
  /** Milliseconds from opening the worker to the first token, by contender; fresh weights. */
  coldStart: Partial<Record<ContenderName, number>>;
  /** `share` is of the best rate seen on this adapter, in operations or in bytes, whichever is nearer. */
  kernels: (KernelFigures & { share: number })[];
  matrixProductPeak: { size: number; gflops: number; shareOfTrainStep: number } | null;
  sweep: SweepSeries[];
  ratios: {
    trainStep: Partial<Record<ContenderName, number>>;
    encode: Partial<Record<ContenderName, number>>;
    decode: Partial<Record<ContenderName, number>>;
    decodeBatch32: Partial<Record<ContenderName, number>>;
  };
  failed: Partial<Record<ContenderName, string>>;
}

export function reportOf(measured: Measurements, parameters: number): BenchReport {
  const { options, shape, ppo, ppoWork } = measured;
  const flops = trainingFlops(shape, options.batch, options.length);
  const trainStep = mapped(measured.training, (training) => trainStepReport(training, flops));
  const decode = mapped(measured.decoding, ({ one, many, dispatchesPerToken }) => {
    const rate = (runs: typeof one): number => median(runs.map(({ ms, tokens }) => (1000 * tokens) / ms));
    return { tokensPerSecond: rate(one), tokensPerSecondBatch32: rate(many), dispatchesPerToken };
  });
  const peak = measured.matrixProductPeak;
  const own = measured.started.nudge ?? Object.values(measured.started)[0];
  return {
    adapter: own?.description ?? '',
    features: own?.features ?? [],
    preset: options.preset,
    subgroups: options.subgroups,
    f16: { allowed: options.f16, ran: measured.halfPrecisionRan },
    model: { ...shape, parameters },
    batch: { rows: options.batch, tokens: options.length },
    flops: { trainStep: flops, formula: TRAINING_FLOPS_FORMULA },
    trainStep,
    decode,
    ppoUpdate:
      ppo.length === 0
        ? null
        : {
            ms: median(ppo.map(({ ms }) => ms)),
            rolloutMs: median(ppo.map(({ rolloutMs }) => rolloutMs)),
            scoreMs: median(ppo.map(({ scoreMs }) => scoreMs)),
            trainMs: median(ppo.map(({ trainMs }) => trainMs)),
            prompts: ppoWork.prompts,
            newTokens: ppoWork.newTokens,
            epochs: ppoWork.epochs,
            minibatch: ppoWork.minibatch,
          },
    coldStart: measured.coldStart,
    kernels: withShares(measured.kernels, peak?.gflops ?? 0),
    matrixProductPeak: peak && {
      ...peak,
      shareOfTrainStep: (trainStep.nudge?.gflops ?? Number.NaN) / peak.gflops,
    },
    sweep: measured.sweep,
    ratios: {
      trainStep: ratios(trainStep, ({ ms }) => ms),
      encode: ratios(trainStep, ({ encodeMs }) => encodeMs),
      decode: ratios(decode, ({ tokensPerSecond }) => 1 / tokensPerSecond),
      decodeBatch32: ratios(decode, ({ tokensPerSecondBatch32 }) => 1 / tokensPerSecondBatch32),
    },
    failed: measured.failed,
  };
}

function trainStepReport({ bursts, losses }: TrainingMeasurement, flops: number): TrainStepReport {
  const steps = bursts.flatMap((burst) => burst.steps);
  const middle = (key: keyof StepFigures): number => median(steps.map((step) => step[key]));
  const ms = median(bursts.map((burst) => burst.ms));
  return {
    ms,
    encodeMs: middle('encodeMs'),
    dispatches: middle('dispatches'),
    passes: middle('passes'),
    submits: middle('submits'),
    bindGroupsCreated: middle('bindGroupsCreated'),
    buffersCreated: middle('buffersCreated'),
    gflops: flops / ms / 1e6,
    loss: { first: losses[0] ?? Number.NaN, last: losses.at(-1) ?? Number.NaN, steps: losses.length },
  };
}

function withShares(kernels: KernelFigures[], peakGflops: number): BenchReport['kernels'] {
  const mostGflops = Math.max(peakGflops, ...kernels.map(({ gflops }) => gflops ?? 0));
  const mostBytes = Math.max(0, ...kernels.map(({ bytesPerSecond }) => bytesPerSecond));
  return kernels.map((kernel) => ({
    ...kernel,
    share: Math.max((kernel.gflops ?? 0) / mostGflops, kernel.bytesPerSecond / mostBytes),
  }));
}

/** A peer's cost over ours: above 1, we are faster. */
function ratios<T>(
  figures: Partial<Record<ContenderName, T>>,
  cost: (figures: T) => number,
): Partial<Record<ContenderName, number>> {
  const own = figures.nudge;
  if (!own) return {};
  const { nudge: _, ...peers } = mapped(figures, (theirs) => cost(theirs) / cost(own));
  return peers;
}

function mapped<T, U>(
  record: Partial<Record<ContenderName, T>>,
  change: (value: T) => U,
): Partial<Record<ContenderName, U>> {
  return Object.fromEntries(
    CONTENDERS.flatMap((name) => (record[name] === undefined ? [] : [[name, change(record[name])]])),
  );
}

/** Those who begin with the same weights and tokens as we do, and so with the same loss. */
const SAME_MODEL: readonly string[] = ['nudge', 'tfjs', 'jax-js'];

/** Trainings that are broken, in words: a loss must begin near ln V, or where ours does, and fall. */
export function brokenTrainings({ trainStep, model }: Pick<BenchReport, 'trainStep' | 'model'>): string[] {
  const chance = Math.log(model.vocabulary);
  return Object.entries(trainStep).flatMap(([name, { loss }]) => {
    const said = `${name}: loss ${loss.first.toFixed(3)} to ${loss.last.toFixed(3)}`;
    const own = SAME_MODEL.includes(name) ? trainStep.nudge?.loss.first : undefined;
    const [expected, tolerance] = own === undefined ? [chance, 0.5] : [own, 0.01];
    if (!(Math.abs(loss.first - chance) < 0.5 && Math.abs(loss.first - expected) < tolerance)) {
      return [`${said}; expected a start near ${expected.toFixed(3)}`];
    }
    return loss.last < loss.first ? [] : [`${said}; expected it to fall`];
  });
}
