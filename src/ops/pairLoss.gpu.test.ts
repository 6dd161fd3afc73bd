import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement, gaussian, hostArray, results, startBothBackends } from './backendAgreement';
import { pairLoss } from './pairLoss';
import './pairLoss.webgpu';

/** G, K. */
const SIZES = [
  [1, 2],
  [3, 1],
  [9, 7],
  [16, 4],
  [13, 5],
] as const;

const inputs = (rankings: number, replies: number) => ({
  rewards: gaussian([rankings, replies], 1, 3),
  weights: gaussian([rankings, replies, replies], 2, 1 / replies),
});

/** Loss, and the gradient of a loss that goes on: dy is not 1. */
function all(t: Record<string, tf.Tensor>): tf.Tensor[] {
  const lossOf = (rewards: tf.Tensor): tf.Tensor =>
    pairLoss(rewards as tf.Tensor2D, t['weights'] as tf.Tensor3D, { margin: 0.5, centreCoef: 0.1 });
  const rewards = t['rewards'] as tf.Tensor;
  return [lossOf(rewards), tf.grad((x) => tf.mul(lossOf(x), 3))(rewards)];
}

describe('pairLoss on WebGPU', () => {
  beforeAll(startBothBackends);

  it.each(SIZES)('agrees with the reference, and so does its gradient, [%i, %i]', async (rankings, replies) => {
    await expectAgreement(all, inputs(rankings, replies), 2e-5);
  });

  it('has the same bits each time', async () => {
    expect(await results('webgpu', all, inputs(30, 6))).toEqual(await results('webgpu', all, inputs(30, 6)));
  });

  it('is finite where rewards are far apart', async () => {
    const far = { rewards: hostArray([1, 2], [-500, 500]), weights: hostArray([1, 2, 2], [0, 1, 0, 0]) };
    const run = (t: Record<string, tf.Tensor>): tf.Tensor[] => {
      const lossOf = (x: tf.Tensor): tf.Tensor =>
        pairLoss(x as tf.Tensor2D, t['weights'] as tf.Tensor3D, { margin: 0, centreCoef: 0 });
      return [lossOf(t['rewards'] as tf.Tensor), tf.grad(lossOf)(t['rewards'] as tf.Tensor)];
    };
    const [loss, gradient] = await results('webgpu', run, far);
    expect(loss!.values[0]).toBe(1000);
    expect(Array.from(gradient!.values)).toEqual([-1, 1]);
  });
});
