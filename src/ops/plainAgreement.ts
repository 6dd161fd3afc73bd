/**
 * For tests: an operation and its gradient on a host backend against the same formula in plain tfjs ops, which tfjs
 * differentiates by itself, on the backend `cpu`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { startDevice } from '../gpu/device';
import { gaussian, type HostArray, largestDifference } from './backendAgreement';

export const HOST_BACKENDS = ['cpu', 'wasm'] as const;
export type HostBackend = (typeof HOST_BACKENDS)[number];

/** One output; several are stacked by the caller. */
export type Formula = (inputs: Record<string, tf.Tensor>) => tf.Tensor;

const DY_SEED = 0xd7;

/**
 * Fails unless the output and the gradients by the inputs in `by` are the same, to `tolerance` times the largest number
 * of each; and unless the run leaves no tensor behind.
 */
export async function expectPlainAgreement(
  backend: HostBackend,
  ours: Formula,
  plain: Formula,
  inputs: Record<string, HostArray>,
  by: readonly string[],
  tolerance = 1e-5,
): Promise<void> {
  const expected = await outputAndGradients('cpu', plain, inputs, by);
  const came = await outputAndGradients(backend, ours, inputs, by);
  ['output', ...by].forEach((name, i) => {
    const [own, other] = [came[i] as HostArray, expected[i] as HostArray];
    expect(own.shape, `shape of ${name}`).toEqual(other.shape);
    const largest = Math.max(...other.values.map(Math.abs));
    expect(largest, `${name} in plain tfjs`).toBeGreaterThan(0);
    expect(largestDifference(own, other) / largest, name).toBeLessThanOrEqual(tolerance);
  });
}

async function outputAndGradients(
  backend: HostBackend,
  formula: Formula,
  inputs: Record<string, HostArray>,
  by: readonly string[],
): Promise<HostArray[]> {
  await startDevice(backend);
  const before = tf.memory().numTensors;
  const results = tf.tidy(() => {
    const tensors: Record<string, tf.Tensor> = {};
    for (const [name, { values, shape, dtype }] of Object.entries(inputs))
      tensors[name] = tf.tensor(values, shape, dtype);
    const output = formula(tensors);
    const dy = gaussian(output.shape, DY_SEED);
    const gradients = tf.grads((...chosen) =>
      formula({ ...tensors, ...Object.fromEntries(by.map((name, i) => [name, chosen[i] as tf.Tensor])) }),
    )(
      by.map((name) => tensors[name] as tf.Tensor),
      tf.tensor(dy.values, dy.shape),
    );
    return [output, ...gradients];
  });
  const arrays = await Promise.all(
    results.map(async (result): Promise<HostArray> => {
      return { shape: result.shape, dtype: 'float32', values: Float32Array.from(await result.data<'float32'>()) };
    }),
  );
  tf.dispose(results);
  expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
  return arrays;
}
