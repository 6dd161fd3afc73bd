import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement, gaussian, hostArray, integers, results, startBothBackends } from './backendAgreement';
import { crossEntropy } from './crossEntropy';
import './crossEntropy.webgpu';

const SIZES = [
  [1, 2],
  [3, 15],
  [63, 17],
  [65, 64],
  [33, 513],
  [257, 65],
  [5, 2049],
  [7, 4],
  [9, 1100],
] as const;

const inputs = (m: number, v: number) => ({
  logits: gaussian([m, v], 1, 4),
  targets: integers([m], v, 2),
  weights: gaussian([m], 3, 1 / Math.sqrt(m)),
});

const loss = (t: Record<string, tf.Tensor>, logits = t['logits'] as tf.Tensor): tf.Scalar =>
  crossEntropy(logits as tf.Tensor2D, t['targets'] as tf.Tensor1D, t['weights'] as tf.Tensor1D);

/** Loss and gradient, the latter of a loss that goes on: dy is not 1. */
const both = (t: Record<string, tf.Tensor>): tf.Tensor[] => [
  loss(t),
  tf.grad((logits) => tf.mul(loss(t, logits), 3))(t['logits'] as tf.Tensor),
];

describe('crossEntropy on WebGPU', () => {
  beforeAll(startBothBackends);

  it.each(SIZES)('agrees with the reference and its gradient, [%i, %i]', async (m, v) => {
    await expectAgreement(both, inputs(m, v), 2e-5);
  });

  it('has the same bits each time', async () => {
    expect(await results('webgpu', both, inputs(300, 100))).toEqual(await results('webgpu', both, inputs(300, 100)));
  });

  it('is finite where logits are large and one token is certain', async () => {
    const [value, gradient] = await results('webgpu', both, {
      logits: hostArray([2, 3], [1e4, 0, -1e4, 500, 500, -500]),
      targets: hostArray([2], [0, 1], 'int32'),
      weights: hostArray([2], [1, 1]),
    });
    expect(value!.values[0]).toBeCloseTo(Math.LN2, 6);
    expect(Array.from(gradient!.values)).toEqual([0, 0, 0, expect.closeTo(1.5, 4), expect.closeTo(-1.5, 4), 0]);
  });
});
