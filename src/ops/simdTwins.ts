/** For tests: an operation on WASM by the kernels of `shaders/simd/` and by its plain reference. */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { startDevice } from '../gpu/device';
import { simdKernels, useSimdKernels } from '../gpu/simd';
import { type HostArray, largestDifference } from './backendAgreement';
import { runOperation } from './operation';

/**
 * Fails unless the outputs of both are the same to `tolerance` times the largest number of each, the kernel gives the
 * same bits twice, and neither leaves a tensor behind.
 */
export async function expectTwins(
  operation: string,
  inputs: Record<string, HostArray>,
  attributes: object = {},
  tolerance = 2e-6,
): Promise<void> {
  await startDevice('wasm');
  expect(simdKernels(), 'SIMD kernels').not.toBeNull();
  const before = tf.memory().numTensors;
  const run = (): HostArray[] => outputsOf(operation, inputs, attributes);
  const [came, again] = [run(), run()];
  useSimdKernels(false);
  let expected: HostArray[];
  try {
    expected = run();
  } finally {
    useSimdKernels(true);
  }
  expect(came.length, 'outputs').toBe(expected.length);
  came.forEach((own, i) => {
    const other = expected[i] as HostArray;
    expect(own.shape, `shape of output ${i}`).toEqual(other.shape);
    const largest = Math.max(...other.values.map(Math.abs));
    expect(largestDifference(own, other), `output ${i}`).toBeLessThanOrEqual(tolerance * largest);
    expect(again[i]?.values, `output ${i} again`).toEqual(own.values);
  });
  expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
}

/** The outputs of an operation on WASM. */
export async function outputsOnWasm(
  operation: string,
  inputs: Record<string, HostArray>,
  attributes: object,
): Promise<HostArray[]> {
  await startDevice('wasm');
  return outputsOf(operation, inputs, attributes);
}

function outputsOf(operation: string, inputs: Record<string, HostArray>, attributes: object): HostArray[] {
  const arrays: HostArray[] = [];
  tf.tidy(() => {
    const tensors: Record<string, tf.Tensor> = {};
    for (const [name, { values, shape, dtype }] of Object.entries(inputs))
      tensors[name] = tf.tensor(values, shape, dtype);
    for (const output of runOperation(operation, tensors, attributes)) {
      arrays.push({ shape: output.shape, dtype: 'float32', values: Float32Array.from(output.dataSync()) });
    }
  });
  return arrays;
}
