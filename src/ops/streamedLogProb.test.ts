import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { gaussian, integers } from './backendAgreement';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';
import { blocksOf, streamedLogProb } from './streamedLogProb';

/** [2, M]: log-probs and entropies by tfjs's own log softmax of all logits. */
function plainLogProb(hidden: tf.Tensor2D, wte: tf.Tensor2D, targets: tf.Tensor1D, temperature: number): tf.Tensor {
  const logP = tf.logSoftmax(tf.div(tf.matMul(hidden, wte, false, true), temperature));
  const chosen = tf.cast(tf.oneHot(targets, wte.shape[0]), 'float32');
  return tf.stack([tf.sum(tf.mul(logP, chosen), 1), tf.neg(tf.sum(tf.mul(tf.exp(logP), logP), 1))]);
}

const operands = (t: Record<string, tf.Tensor>): [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D] => [
  t['hidden'] as tf.Tensor2D,
  t['wte'] as tf.Tensor2D,
  t['targets'] as tf.Tensor1D,
];

const inputs = (rows: number, vocabulary: number, width: number) => ({
  hidden: gaussian([rows, width], 11),
  wte: gaussian([vocabulary, width], 12),
  targets: integers([rows], vocabulary, 13),
});

describe('blocksOf', () => {
  it.each([1, 63, 64, 65, 128, 129, 320])('covers %i rows once, in order, none over the size of a block', (rows) => {
    const blocks = [...blocksOf(rows, 64)];
    expect(blocks.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i))).toEqual(
      Array.from({ length: rows }, (_, i) => i),
    );
    expect(Math.max(...blocks.map(({ count }) => count))).toBeLessThanOrEqual(64);
  });
});

describe.each(HOST_BACKENDS)('streamedLogProb on %s', (backend) => {
  it.each([
    { rows: 1, vocabulary: 2, width: 3, temperature: 1 },
    { rows: 65, vocabulary: 37, width: 5, temperature: 0.7 },
    { rows: 130, vocabulary: 64, width: 8, temperature: 1.6 },
  ])(
    'and the gradients by states and head are those of all logits: [$rows, $width] to $vocabulary at $temperature',
    ({ rows, vocabulary, width, temperature }) =>
      expectPlainAgreement(
        backend,
        (t) => {
          const { logProb, entropy } = streamedLogProb(...operands(t), 64, temperature);
          return tf.stack([logProb, entropy]);
        },
        (t) => plainLogProb(...operands(t), temperature),
        inputs(rows, vocabulary, width),
        ['hidden', 'wte'],
      ),
  );

  it.each(['logProb', 'entropy'] as const)('sends back the gradient of %s alone', (output) =>
    expectPlainAgreement(
      backend,
      (t) => streamedLogProb(...operands(t), 64, 0.8)[output],
      (t) => tf.reshape(tf.slice(plainLogProb(...operands(t), 0.8), [output === 'logProb' ? 0 : 1, 0], [1, -1]), [-1]),
      inputs(70, 19, 4),
      ['hidden', 'wte'],
    ),
  );

  it('refuses a head of another width, and blocks that not every device can bind', async () => {
    await startDevice(backend);
    tf.tidy(() => {
      const [hidden, targets] = [tf.zeros<tf.Rank.R2>([2, 4]), tf.tensor1d([0, 1], 'int32')];
      expect(() => streamedLogProb(hidden, tf.zeros([3, 5]), targets, 64)).toThrow(/4 columns/);
      expect(() => streamedLogProb(hidden, tf.zeros([3, 4]), targets, 32)).toThrow(/multiple of 64/);
    });
  });
});
