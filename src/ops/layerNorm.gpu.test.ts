import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement, gaussian, results, startBothBackends } from './backendAgreement';
import { finalLayerNorm, layerNorm } from './layerNorm';
import './layerNorm.webgpu';

const SIZES = [
  [1, 1],
  [1, 64],
  [63, 65],
  [65, 63],
  [64, 128],
  [700, 33],
  [3, 4],
  [129, 36],
] as const;

type Norm = (x: tf.Tensor2D, gamma: tf.Tensor1D, beta: tf.Tensor1D) => tf.Tensor;

/** What goes on after a block's norm: y, and x past it, which no difference tells apart from the x that came. */
const withResidual: Norm = (x, gamma, beta) => {
  const { y, x: passed } = layerNorm(x, gamma, beta);
  return tf.add(y, tf.mul(passed, 0.5));
};

const gradients =
  (norm: Norm) =>
  (t: Record<string, tf.Tensor>): tf.Tensor[] => {
    const { x, gamma, beta, dy } = t as { x: tf.Tensor2D; gamma: tf.Tensor1D; beta: tf.Tensor1D; dy: tf.Tensor2D };
    return tf.grads((...[a, b, d]) => norm(a as tf.Tensor2D, b as tf.Tensor1D, d as tf.Tensor1D))([x, gamma, beta], dy);
  };

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
      (t) => {
        const { y, x } = layerNorm(t['x'] as tf.Tensor2D, t['gamma'] as tf.Tensor1D, t['beta'] as tf.Tensor1D);
        return [y, x];
      },
      inputs(m, c),
      1e-5,
    );
  });

  // dgamma and dbeta are sums over the M rows.
  const tolerance = (m: number): number => (m > 100 ? 1e-4 : 2e-5);

  it.each(SIZES)('has the reference gradient, [%i, %i]', async (m, c) => {
    await expectAgreement(gradients(finalLayerNorm), inputs(m, c), tolerance(m));
  });

  it.each(SIZES)('has the reference gradient where x goes on beside it, [%i, %i]', async (m, c) => {
    await expectAgreement(gradients(withResidual), inputs(m, c), tolerance(m));
  });

  it('has the same bits of gradient each time', async () => {
    const run = gradients(withResidual);
    expect(await results('webgpu', run, inputs(333, 130))).toEqual(await results('webgpu', run, inputs(333, 130)));
  });

  it('keeps its precision on rows far from 0', async () => {
    const { x, gamma, beta } = inputs(5, 64);
    const far = { ...x, values: Float32Array.from(x.values, (v) => v + 1000) };
    await expectAgreement(
      (t) => [finalLayerNorm(t['x'] as tf.Tensor2D, t['gamma'] as tf.Tensor1D, t['beta'] as tf.Tensor1D)],
      { x: far, gamma, beta },
      5e-4,
    );
  });
});
