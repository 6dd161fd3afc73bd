import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement, gaussian, results, startBothBackends } from './backendAgreement';
import { scalarProjection } from './scalarProjection';
import './scalarProjection.webgpu';

/** [B, T, C], first, count. */
const SIZES = [
  [[1, 1, 1], 0, 1],
  [[3, 21, 5], 0, 21],
  [[3, 22, 63], 1, 21],
  [[5, 13, 64], 6, 7],
  [[5, 13, 65], 12, 1],
  [[4, 17, 68], 3, 14],
  [[7, 100, 32], 0, 100],
] as const;

const inputs = (shape: readonly [number, number, number]) => ({
  hidden: gaussian([...shape], 1),
  weight: gaussian([shape[2], 1], 2, 1 / Math.sqrt(shape[2])),
  bias: gaussian([1], 3),
});

/** y, and the gradients of the sum of its squares. */
const all =
  (first: number, count: number) =>
  ({ hidden, weight, bias }: Record<string, tf.Tensor>): tf.Tensor[] => {
    const y = (h: tf.Tensor, w: tf.Tensor, b: tf.Tensor): tf.Tensor =>
      scalarProjection(h as tf.Tensor3D, w as tf.Tensor2D, b as tf.Tensor1D, first, count);
    const of = [hidden, weight, bias] as [tf.Tensor, tf.Tensor, tf.Tensor];
    return [y(...of), ...tf.grads((h, w, b) => tf.mean(tf.square(y(h!, w!, b!))))(of)];
  };

describe('scalarProjection on WebGPU', () => {
  beforeAll(startBothBackends);

  it.each(SIZES)('agrees with the reference, and so do all gradients: %j from %i, %i', async (shape, first, count) => {
    await expectAgreement(all(first, count), inputs(shape), 1e-5);
  });

  it('has the same bits each time', async () => {
    const run = () => results('webgpu', all(5, 40), inputs([9, 50, 33]));
    expect(await run()).toEqual(await run());
  });
});
