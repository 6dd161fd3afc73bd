import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, it } from 'vitest';
import { expectAgreement, gaussian, hostArray, startBothBackends } from '../ops/backendAgreement';
import '../ops/webgpuKernels';
import { exactKl, k2, k3 } from './kl';
import { batchPairWeights } from './pairWeights';
import { policyLoss, valueLoss } from './ppoLoss';
import { type ComparisonLogProbs, dpoLoss, orpoLoss } from './preferenceLosses';
import { allPairsLoss, plackettLuceLoss } from './rankingLoss';

/** Odd sizes: B episodes of R tokens, the later rows shorter. */
const [B, R, V] = [7, 13, 33];
const mask = hostArray(
  [B, R],
  Array.from({ length: B * R }, (_, i) => Number(i % R < R - Math.floor(i / R))),
);
const TOLERANCE = 1e-5;

type Tensors = Record<string, tf.Tensor>;
const vector = (t: Tensors, name: string): tf.Tensor1D => t[name] as tf.Tensor1D;
const matrix = (t: Tensors, name: string): tf.Tensor2D => t[name] as tf.Tensor2D;

/** Runs the loss and its gradient by `x` on both backends. */
const agree = (loss: (x: tf.Tensor, t: Tensors) => tf.Tensor, inputs: Parameters<typeof expectAgreement>[1]) =>
  expectAgreement(
    (t) => {
      const { value, grad } = tf.valueAndGrad((x) => tf.mean(loss(x, t)))(t['x'] as tf.Tensor);
      return [value, grad];
    },
    inputs,
    TOLERANCE,
  );

describe('on WebGPU, value and gradient are those of the plain CPU', () => {
  beforeAll(startBothBackends);

  it('of the policy loss, with its statistics', async () => {
    const inputs = {
      x: gaussian([B, R], 1, 0.3),
      oldLogProbs: gaussian([B, R], 2, 0.3),
      advantages: gaussian([B, R], 3),
      responseMask: mask,
    };
    const run = (x: tf.Tensor, t: Tensors) => {
      const [oldLogProbs, advantages] = [matrix(t, 'oldLogProbs'), matrix(t, 'advantages')];
      const minibatch = { oldLogProbs, advantages, responseMask: matrix(t, 'responseMask') };
      return policyLoss(x as tf.Tensor2D, matrix(t, 'x'), minibatch, 0.2);
    };
    await agree((x, t) => run(x, t).loss, inputs);
    await expectAgreement((t) => [run(matrix(t, 'x'), t).statistics], inputs, TOLERANCE);
  });

  it('of the value loss', async () => {
    const inputs = {
      x: gaussian([B, R], 1),
      oldValues: gaussian([B, R], 2),
      returns: gaussian([B, R], 3),
      responseMask: mask,
    };
    await agree((x, t) => {
      const [oldValues, returns] = [matrix(t, 'oldValues'), matrix(t, 'returns')];
      const minibatch = { oldValues, returns, responseMask: matrix(t, 'responseMask') };
      return valueLoss(x as tf.Tensor2D, minibatch, 0.2).loss;
    }, inputs);
  });

  it('of the KL estimators and the exact KL', async () => {
    const inputs = { x: gaussian([B, R], 1), ref: gaussian([B, R], 2), mask };
    await agree((x, t) => k2(x as tf.Tensor2D, matrix(t, 'ref'), matrix(t, 'mask')), inputs);
    await agree((x, t) => k3(x as tf.Tensor2D, matrix(t, 'ref'), matrix(t, 'mask')), inputs);
    await agree((x, t) => exactKl(x, matrix(t, 'ref'), 0.7), {
      x: gaussian([3, V], 1, 2),
      ref: gaussian([3, V], 2, 2),
    });
  });

  it('of the ranking losses', async () => {
    const rankings = [
      [1, 2, 2, 4],
      [4, 3, 2, 1],
      [1, 2],
      [1, 1, 1, 2],
      [2, 1, 3],
    ];
    const weights = hostArray([5, 4, 4], Array.from(batchPairWeights(rankings, 4, 'half')));
    const inputs = { x: gaussian([5, 4], 1, 2), weights };
    const options = { margin: 0.5, centreCoef: 0.01 };
    await agree((x, t) => allPairsLoss(x as tf.Tensor2D, t['weights'] as tf.Tensor3D, options), inputs);
    await agree((x) => plackettLuceLoss(x as tf.Tensor2D), inputs);
  });

  it('of DPO and ORPO', async () => {
    const negative = (seed: number) => {
      const { values, shape } = gaussian([B], seed);
      return hostArray(
        shape,
        Array.from(values, (value) => -1 - 4 * Math.abs(value)),
      );
    };
    const inputs = { x: negative(1), rejected: negative(2), refChosen: negative(3), refRejected: negative(4) };
    const logProbs = (chosen: tf.Tensor, t: Tensors): ComparisonLogProbs => ({
      chosen: chosen as tf.Tensor1D,
      rejected: vector(t, 'rejected'),
      refChosen: vector(t, 'refChosen'),
      refRejected: vector(t, 'refRejected'),
    });
    await agree((x, t) => tf.mean(dpoLoss(logProbs(x, t), 0.1)), inputs);
    await agree((x, t) => {
      const lengths = { chosen: tf.fill<tf.Rank.R1>([B], 5), rejected: tf.fill<tf.Rank.R1>([B], 3) };
      return tf.mean(orpoLoss(logProbs(x, t), lengths, tf.neg(x) as tf.Tensor1D, 0.1));
    }, inputs);
  });
});
