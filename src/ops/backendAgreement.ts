/** For tests: the same operation on the same numbers on two backends, and how far their results are apart. */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { startDevice } from '../gpu/device';
import { uniform } from './counterRandom';

/** Numbers on the host, from which each backend makes a tensor of its own. */
export interface HostArray {
  shape: number[];
  dtype: 'float32' | 'int32';
  values: Float32Array | Int32Array;
}

const sizeOf = (shape: number[]): number => shape.reduce((product, size) => product * size, 1);

/** Draws of N(0, deviation^2) by Box and Muller; the same for the same seed. */
export function gaussian(shape: number[], seed: number, deviation = 1): HostArray {
  const values = Float32Array.from(
    { length: sizeOf(shape) },
    (_, i) =>
      deviation * Math.sqrt(-2 * Math.log(uniform(seed, 0, 0, i))) * Math.cos(2 * Math.PI * uniform(seed, 1, 0, i)),
  );
  return { shape, dtype: 'float32', values };
}

/** Integers in [0, below). */
export function integers(shape: number[], below: number, seed: number): HostArray {
  const values = Int32Array.from({ length: sizeOf(shape) }, (_, i) => Math.floor(uniform(seed, 0, 0, i) * below));
  return { shape, dtype: 'int32', values };
}

export function hostArray(shape: number[], values: number[], dtype: HostArray['dtype'] = 'float32'): HostArray {
  return { shape, dtype, values: dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values) };
}

/** Must be called before `results`: cpu and a real WebGPU, not a stand-in. */
export async function startBothBackends(): Promise<void> {
  const { report } = await startDevice('webgpu');
  expect(report.backend).toBe('webgpu');
}

type Run = (tensors: Record<string, tf.Tensor>) => tf.Tensor[];

/** What `run` gives on one backend, as host arrays. Disposes of every tensor. */
export async function results(
  backend: 'cpu' | 'webgpu',
  run: Run,
  inputs: Record<string, HostArray>,
): Promise<HostArray[]> {
  expect(await tf.setBackend(backend)).toBe(true);
  const outputs = tf.tidy(() => {
    const tensors = Object.entries(inputs).map(([name, { values, shape, dtype }]) => [
      name,
      tf.tensor(values, shape, dtype),
    ]);
    return run(Object.fromEntries(tensors) as Record<string, tf.Tensor>);
  });
  const arrays = await Promise.all(
    outputs.map(async (output): Promise<HostArray> => {
      const values = await output.data<'float32'>();
      return { shape: output.shape, dtype: output.dtype as HostArray['dtype'], values };
    }),
  );
  for (const output of outputs) output.dispose();
  return arrays;
}

/** Fails unless every output has the same shape, dtype and, to `tolerance`, numbers on cpu and on webgpu. */
export async function expectAgreement(run: Run, inputs: Record<string, HostArray>, tolerance: number): Promise<void> {
  const expected = await results('cpu', run, inputs);
  const came = await results('webgpu', run, inputs);
  expect(came.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
    expected.map(({ shape, dtype }) => ({ shape, dtype })),
  );
  expected.forEach((output, i) => {
    expect(largestDifference(output, came[i] as HostArray), `output ${i}`).toBeLessThanOrEqual(tolerance);
  });
}

/** Largest absolute difference; infinite where one of them is not a number. */
export function largestDifference(a: HostArray, b: HostArray): number {
  let largest = 0;
  a.values.forEach((value, i) => {
    const difference = Math.abs(value - (b.values[i] as number));
    largest = Number.isNaN(difference) && value !== b.values[i] ? Infinity : Math.max(largest, difference);
  });
  return largest;
}
