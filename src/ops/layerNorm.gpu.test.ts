import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, it } from 'vitest';
import { expectAgreement, gaussian, startBothBackends } from './backendAgreement';
import { layerNorm } from './layerNorm';
import './layerNorm.webgpu';

const SIZES = [
  [1, 1],
  [1, 64],
  [63, 65],
  [65, 63],
  [64, 128],
  [700, 33],
] as const;

describe('layerNorm on WebGPU', () => {
  beforeAll(startBothBackends);

  const inputs = (m: number, c: number) => ({
    x: gaussian([m, c], 1, 3),
    gamma: gaussian([c], 2),
    beta: gaussian([c], 3),
    dy: gaussian([m, c], 4),
  });

  it.each(SIZES)('agrees with the reference, [%i, %i]', async (m, c) => {
    await expectAgreement(
      (t) => [layerNorm(t['x'] as tf.Tensor2D, t['gamma'] as tf.Tensor1D, t['beta'] as tf.Tensor1D)],
      inputs(m, c),
      1e-5,
    );
  });

  it.each(SIZES)('has the reference gradient, [%i, %i]', async (m, c) => {
    await expectAgreement(
      (t) => {
        const { x, gamma, beta, dy } = t as { x: tf.Tensor2D; gamma: tf.Tensor1D; beta: tf.Tensor1D; dy: tf.Tensor2D };
        return tf.grads((...[a, b, d]) => layerNorm(a as tf.Tensor2D, b as tf.Tensor1D, d as tf.Tensor1D))(
          [x, gamma, beta],
          dy,
        );
      },
      inputs(m, c),
      // dgamma and dbeta are sums over the M rows.
      m > 100 ? 1e-4 : 2e-5,
    );
  });

  it('keeps its precision on rows far from 0', async () => {
    const { x, gamma, beta } = inputs(5, 64);
    const far = { ...x, values: Float32Array.from(x.values, (v) => v + 1000) };
    await expectAgreement(
      (t) => [layerNorm(t['x'] as tf.Tensor2D, t['gamma'] as tf.Tensor1D, t['beta'] as tf.Tensor1D)],
      { x: far, gamma, beta },
      5e-4,
    );
  });
});
