/**
 * A run as one file that another browser replays: what it was started with, the models that it began from, in full
 * precision, and every number that it reported. A safetensors file, with the rest in its metadata.
 */
import type { PresetName } from '../config';
import { InputError, toPlainError } from '../errors';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../model/safetensors';
import type { VariantChoices } from '../ops/kernelVariants';
import type { CheckpointName, MetricValues, ReplayReport, StartRequest } from './protocol';
import type { HostWeights } from './models';

const FORMAT = 'nudge run 1';
const NAMES: readonly CheckpointName[] = ['base', 'sft', 'rewardModel', 'policy'];

/** How far losses may be apart on another adapter, where sums round otherwise: a share of the recorded value. */
export const REPLAY_TOLERANCE = 0.02;

/** Numbers by which replays are told apart where they are not the same to the bit: those that do not hover around 0. */
const LOSSES = ['loss', 'loss/value_avg', 'objective/entropy'];

export interface RecordedRun {
  preset: PresetName;
  /** Where it ran, in the adapter's words. */
  adapter: string;
  request: StartRequest;
  /** The kernels that it ran with, which round each in its own way; null in files that do not say. */
  kernels: VariantChoices | null;
  steps: readonly { step: number; values: MetricValues }[];
  /** The models that it began from. */
  weights: ReadonlyMap<CheckpointName, HostWeights>;
}

export function writeRunFile({ preset, adapter, request, kernels, steps, weights }: RecordedRun): ArrayBuffer {
  const tensors = new Map<string, StoredTensor>();
  for (const [model, own] of weights) for (const [name, tensor] of own) tensors.set(`${model}/${name}`, tensor);
  return writeSafetensors(tensors, {
    format: FORMAT,
    preset,
    adapter,
    request: JSON.stringify(request),
    kernels: JSON.stringify(kernels),
    steps: JSON.stringify(steps),
  });
}

/** @throws InputError for anything that is no run of this page's */
export function readRunFile(bytes: ArrayBuffer): RecordedRun {
  const remedy = 'Choose a file that "Save the run" wrote.';
  try {
    const { tensors, metadata } = readSafetensors(bytes);
    if (metadata['format'] !== FORMAT)
      throw new InputError(`Expected a run (${FORMAT}), got a safetensors file that holds none.`, remedy);
    const weights = new Map<CheckpointName, Map<string, StoredTensor>>();
    for (const [path, tensor] of tensors) {
      const [model, name] = [path.slice(0, path.indexOf('/')), path.slice(path.indexOf('/') + 1)];
      const known = NAMES.find((one) => one === model);
      if (!known) throw new InputError(`Expected the models of a run, got a tensor of "${model}".`, remedy);
      const own = weights.get(known) ?? new Map<string, StoredTensor>();
      own.set(name, tensor);
      weights.set(known, own);
    }
    return {
      preset: metadata['preset'] as PresetName,
      adapter: metadata['adapter'] ?? '',
      request: JSON.parse(metadata['request'] ?? '') as StartRequest,
      kernels: JSON.parse(metadata['kernels'] ?? 'null') as VariantChoices | null,
      steps: JSON.parse(metadata['steps'] ?? '') as RecordedRun['steps'],
      weights,
    };
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`Expected a run, got a file that cannot be read: ${toPlainError(error).message}`, remedy);
  }
}

/** The models of a session that a stage begins from and goes by. */
export function modelsOf(request: StartRequest): CheckpointName[] {
  switch (request.stage) {
    case 'pretrain':
      return [];
    case 'sft':
      return ['base'];
    case 'rewardModel':
      return ['sft'];
    case 'ppo': {
      const judge = request.method?.family === 'preferences' ? [] : (['rewardModel'] as const);
      return ['sft', ...judge, ...(request.continuePolicy ? (['policy'] as const) : [])];
    }
  }
}

/** What a replay's numbers say beside those that were recorded. */
export function compareRuns(
  recorded: Pick<RecordedRun, 'adapter' | 'steps'>,
  replayed: Pick<RecordedRun, 'adapter' | 'steps'>,
): Omit<ReplayReport, 'unknownKernels'> {
  const there = new Map(replayed.steps.map(({ step, values }) => [step, values]));
  let firstDifference: number | null = null;
  let firstBeyond: number | null = null;
  let largest = 0;
  let compared = 0;
  for (const { step, values } of recorded.steps) {
    const own = there.get(step);
    if (!own) continue;
    compared++;
    const keys = Object.keys(values);
    if (keys.some((key) => !Object.is(values[key], own[key]))) firstDifference ??= step;
    for (const key of LOSSES.filter((loss) => keys.includes(loss))) {
      const [was, is] = [values[key] as number, own[key] ?? NaN];
      const apart = Math.abs(is - was) / Math.abs(was);
      if (apart > largest) largest = apart;
      if (!(apart <= REPLAY_TOLERANCE)) firstBeyond ??= step;
    }
  }
  return {
    recordedOn: recorded.adapter,
    replayedOn: replayed.adapter,
    recordedSteps: recorded.steps.length,
    steps: compared,
    firstDifference,
    firstBeyond,
    largest,
    tolerance: REPLAY_TOLERANCE,
  };
}
