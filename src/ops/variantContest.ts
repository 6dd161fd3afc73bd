/**
 * The variants of a kernel side by side on one shape: each recorded on the same operands, into memory of its own, so
 * that a variant that writes nothing cannot pass with the numbers of another.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { disposeScratch, webGpuBackend } from '../gpu/kernel';
import { nextMacrotask } from '../gpu/macrotask';
import { PassTimer } from '../gpu/passTimer';
import { record, type Recording, type TapeCommand } from '../gpu/recording';
import { uniform } from './counterRandom';
import { onTrialOf, plainVariantOf, toleranceOf, type Trial, trialOf, variantsOf } from './kernelVariants';

export interface Contestant {
  readonly variant: string;
  /**
   * How far its numbers are from the plain variant's, in relation to the largest of them; Infinity where it does not run
   * or gives what is no number.
   */
  readonly difference: number;
  /** How large that may be, where it is more than rounding to float32. */
  readonly tolerance?: number | undefined;
  /** Milliseconds of one pass of `repeats` runs. One at a time. */
  time(repeats: number): Promise<number>;
}

export interface Contest {
  /** Floating-point operations of one run. */
  flops: number;
  /** Best first by the kernel's own rule. */
  contestants: readonly Contestant[];
  dispose(): void;
}

/** @returns null where there is nothing to choose from, or `signal` was aborted before all had run once */
export type OpenContest = (kernel: string, shape: string, signal: AbortSignal) => Promise<Contest | null>;

type Operands = Readonly<Record<string, tf.Tensor>>;

export const openContest: OpenContest = async (kernel, shape, signal) => {
  const trial = trialOf(kernel, shape);
  if (!trial) return null;
  const backend = webGpuBackend(kernel);
  const operands = makeOperands(backend, trial);
  const timer = new PassTimer(backend.device);
  const recordings: Recording<tf.TensorInfo[]>[] = [];
  const dispose = (): void => {
    for (const { memory, result } of recordings) {
      memory.dispose();
      disposeScratch(result);
    }
    timer.dispose();
    tf.dispose(Object.values(operands));
  };
  const enter = async (variant: string): Promise<Entrant> => {
    backend.device.pushErrorScope('validation');
    const entrant = recordAndRun(backend, timer, () =>
      onTrialOf(kernel, variant, () => {
        const recording = record(backend, `${kernel}, ${variant}`, () => trial.run(backend.device, operands));
        recordings.push(recording);
        return recording;
      }),
    );
    const refusal = backend.device.popErrorScope(); // before anything is awaited: scopes are a stack of the whole device
    const { commands, numbers } = await entrant;
    return { commands, numbers: (await refusal) ? null : numbers };
  };
  try {
    // A shape of an earlier visit is not known until the kernel was asked for it; which variant answers is all the same.
    await enter('');
    const plain = plainVariantOf(kernel, shape);
    const variants = variantsOf(kernel, backend.device, shape);
    const standard = plain !== undefined && variants.length > 1 ? await enter(plain) : null;
    const expected = standard?.numbers;
    if (!expected || largestDifference(expected, expected) > 0) {
      dispose();
      return null;
    }
    const contestants: Contestant[] = [];
    for (const variant of variants) {
      await nextMacrotask();
      if (signal.aborted) {
        dispose();
        return null;
      }
      const { commands, numbers } = standard && variant === plain ? standard : await enter(variant);
      contestants.push({
        variant,
        difference: numbers ? largestDifference(numbers, expected) : Infinity,
        tolerance: toleranceOf(kernel, variant),
        time: (repeats) => timer.time(commands, repeats),
      });
    }
    return { flops: trial.flops, contestants, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
};

interface Entrant {
  commands: readonly TapeCommand[];
  /** What it gave in its first run; null where it cannot run. */
  numbers: Float32Array[] | null;
}

/** Submits one run before it first waits. */
async function recordAndRun(
  backend: WebGPUBackend,
  timer: PassTimer,
  recorded: () => Recording<tf.TensorInfo[]>,
): Promise<Entrant> {
  let recording: Recording<tf.TensorInfo[]>;
  try {
    recording = recorded();
  } catch {
    return { commands: [], numbers: null }; // over a limit of the device
  }
  const { commands, result } = recording;
  await timer.time(commands, 1);
  const numbers = await Promise.all(result.map(({ dataId }) => backend.read(dataId)));
  return { commands, numbers: numbers as Float32Array[] };
}

/** In relation to the largest of the expected numbers; Infinity where either is no number. */
function largestDifference(came: readonly Float32Array[], expected: readonly Float32Array[]): number {
  return Math.max(
    ...expected.map((numbers, output) => {
      let largest = 0;
      let difference = 0;
      numbers.forEach((number, i) => {
        const distance = Math.abs(number - (came[output]?.[i] ?? NaN));
        largest = Math.max(largest, Math.abs(number));
        difference = distance >= 0 ? Math.max(difference, distance) : Infinity;
      });
      return difference / Math.max(largest, Number.MIN_VALUE);
    }),
  );
}

/** A prime, so that rows of a matrix are not alike. */
const PATTERN_LENGTH = 4093;
let pattern: Float32Array | null = null;

/** Numbers in (-1, 1), the same each time; integers are 0. On the device. */
function makeOperands(backend: WebGPUBackend, { operands }: Trial): Operands {
  pattern ??= Float32Array.from({ length: PATTERN_LENGTH }, (_, i) => 2 * uniform(0x7e57, 0, 0, i) - 1);
  let shift = 0;
  const made = Object.entries(operands).map(([name, { shape, dtype }]) => {
    const values = new Float32Array(tf.util.sizeFromShape([...shape]));
    if (dtype === 'float32') {
      shift += 1;
      for (let from = -97 * shift; from < values.length; from += PATTERN_LENGTH) {
        values.set((pattern as Float32Array).subarray(Math.max(-from, 0), values.length - from), Math.max(from, 0));
      }
    }
    const tensor = tf.tensor(dtype === 'int32' ? new Int32Array(values.length) : values, [...shape], dtype);
    backend.uploadToGPU(tensor.dataId);
    return [name, tensor] as const;
  });
  return Object.fromEntries(made);
}
