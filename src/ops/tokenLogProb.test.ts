import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { gaussian, integers } from './backendAgreement';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';
import { tokenLogProb } from './tokenLogProb';

/** [2, M]: log-probs and entropies by tfjs's own log softmax. */
function plainTokenLogProb(logits: tf.Tensor2D, targets: tf.Tensor1D, temperature: number): tf.Tensor {
  const logP = tf.logSoftmax(tf.div(logits, temperature));
  const chosen = tf.cast(tf.oneHot(targets, logits.shape[1]), 'float32');
  return tf.stack([tf.sum(tf.mul(logP, chosen), 1), tf.neg(tf.sum(tf.mul(tf.exp(logP), logP), 1))]);
}

describe.each(HOST_BACKENDS)('tokenLogProb on %s', (backend) => {
  it.each([
    { rows: 1, vocabulary: 2, temperature: 1 },
    { rows: 13, vocabulary: 37, temperature: 0.7 },
    { rows: 5, vocabulary: 64, temperature: 1.6 },
  ])(
    'and the gradients of log-prob and entropy together: [$rows, $vocabulary] at $temperature',
    ({ rows, vocabulary, temperature }) =>
      expectPlainAgreement(
        backend,
        (t) => {
          const { logProb, entropy } = tokenLogProb(
            t['logits'] as tf.Tensor2D,
            t['targets'] as tf.Tensor1D,
            temperature,
          );
          return tf.stack([logProb, entropy]);
        },
        (t) => plainTokenLogProb(t['logits'] as tf.Tensor2D, t['targets'] as tf.Tensor1D, temperature),
        { logits: gaussian([rows, vocabulary], 11, 2), targets: integers([rows], vocabulary, 12) },
        ['logits'],
      ),
  );

  it.each(['logProb', 'entropy'] as const)('sends back the gradient of %s alone', (output) =>
    expectPlainAgreement(
      backend,
      (t) => tokenLogProb(t['logits'] as tf.Tensor2D, t['targets'] as tf.Tensor1D, 0.8)[output],
      (t) => {
        const both = plainTokenLogProb(t['logits'] as tf.Tensor2D, t['targets'] as tf.Tensor1D, 0.8);
        return tf.reshape(tf.slice(both, [output === 'logProb' ? 0 : 1, 0], [1, -1]), [-1]);
      },
      { logits: gaussian([6, 19], 13, 2), targets: integers([6], 19, 14) },
      ['logits'],
    ),
  );

  it('shifts with the logits at no cost, and stays finite where one token has all the probability', async () => {
    await startDevice(backend);
    const [logProb, entropy] = tf.tidy(() => {
      const logits = tf.tensor2d([
        [1000, 1000, 1000, 1000],
        [500, -500, -500, -500],
        [500, -500, -500, -500],
      ]);
      const results = tokenLogProb(logits, tf.tensor1d([2, 0, 1], 'int32'));
      return [results.logProb.arraySync(), results.entropy.arraySync()];
    });
    expect(logProb).toEqual([expect.closeTo(-Math.log(4), 6), 0, -1000]);
    expect(entropy).toEqual([expect.closeTo(Math.log(4), 6), 0, 0]);
  });
});
