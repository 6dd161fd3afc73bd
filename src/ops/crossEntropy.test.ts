import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { gaussian, integers } from './backendAgreement';
import { crossEntropy } from './crossEntropy';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';

/** By tfjs's own log softmax. */
function plainCrossEntropy(logits: tf.Tensor2D, targets: tf.Tensor1D, weights: tf.Tensor1D): tf.Tensor {
  const chosen = tf.cast(tf.oneHot(targets, logits.shape[1]), 'float32');
  return tf.neg(tf.sum(tf.mul(tf.sum(tf.mul(tf.logSoftmax(logits), chosen), 1), weights)));
}

describe.each(HOST_BACKENDS)('crossEntropy on %s', (backend) => {
  it.each([
    { rows: 1, vocabulary: 2 },
    { rows: 13, vocabulary: 37 },
    { rows: 5, vocabulary: 64 },
  ])('and its gradient are the weighted sum of log softmax: [$rows, $vocabulary]', ({ rows, vocabulary }) => {
    const run =
      (formula: typeof plainCrossEntropy) =>
      (t: Record<string, tf.Tensor>): tf.Tensor =>
        formula(t['logits'] as tf.Tensor2D, t['targets'] as tf.Tensor1D, t['weights'] as tf.Tensor1D);
    return expectPlainAgreement(
      backend,
      run(crossEntropy),
      run(plainCrossEntropy),
      {
        logits: gaussian([rows, vocabulary], 11, 2),
        targets: integers([rows], vocabulary, 12),
        weights: gaussian([rows], 13),
      },
      ['logits'],
    );
  });

  it('leaves out rows of weight 0, and stays finite where one token has all the probability', async () => {
    await startDevice(backend);
    const [loss, gradient] = tf.tidy(() => {
      const logits = tf.tensor2d([
        [1000, 1000, -1000],
        [500, -500, -500],
      ]);
      const of = (x: tf.Tensor): tf.Scalar =>
        crossEntropy(x as tf.Tensor2D, tf.tensor1d([1, 2], 'int32'), tf.tensor1d([0.5, 0]));
      return [of(logits).arraySync(), [...tf.grad(of)(logits).dataSync()]] as [number, number[]];
    });
    expect(loss).toBeCloseTo(0.5 * Math.LN2, 6);
    [0.25, -0.25, 0, 0, 0, 0].forEach((value, i) => expect(gradient[i]).toBeCloseTo(value, 4));
  });
});
