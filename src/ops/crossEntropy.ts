/**
 * Weighted cross-entropy of the next token: loss = -sum_m weights_m log p(targets_m), as a scalar.
 *
 * With lse = log sum exp of a row of logits: log p = logits[target] - lse, and d loss / d logits = weights (p - 1[target]).
 * Shapes: logits [M, V]; targets [M] int32; weights, lse [M]; loss a scalar. float32, maximum taken out first. The
 * weights are data and have no gradient: 1 / M for a mean, 0 for padding.
 */
import * as tf from '@tensorflow/tfjs-core';
import { registerGradient, registerReference, runOperation } from './operation';

export const CROSS_ENTROPY = 'NudgeCrossEntropy';
/** Inputs logits, targets, weights, lse, dy; output dlogits [M, V]. */
export const CROSS_ENTROPY_BACKWARD = 'NudgeCrossEntropyBackward';

/**
 * @param logits [M, V]
 * @param targets [M], int32, each in [0, V)
 * @param weights [M]
 */
export function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor1D, weights: tf.Tensor1D): tf.Scalar {
  return runOperation(CROSS_ENTROPY, { logits, targets, weights })[0] as tf.Scalar;
}

registerReference(CROSS_ENTROPY, (inputs) => {
  const { logits, targets, weights } = inputs as { logits: tf.Tensor2D; targets: tf.Tensor1D; weights: tf.Tensor1D };
  const [rows, vocabulary] = logits.shape;
  const highest = tf.max(logits, 1, true); // [M, 1]
  const shifted = tf.sub(logits, highest);
  const logTotal = tf.log(tf.sum(tf.exp(shifted), 1)); // [M]
  const targetIndex = tf.add(tf.mul(tf.range(0, rows, 1, 'int32'), tf.scalar(vocabulary, 'int32')), targets);
  const target = tf.gather(tf.reshape(shifted, [-1]), tf.cast(targetIndex, 'int32') as tf.Tensor1D);
  const loss = tf.sum(tf.mul(weights, tf.sub(logTotal, target)));
  return [loss, tf.add(logTotal, tf.squeeze(highest, [1]))];
});

registerReference(CROSS_ENTROPY_BACKWARD, (inputs) => {
  const { logits, targets, weights, lse, dy } = inputs as Record<
    'logits' | 'targets' | 'weights' | 'lse' | 'dy',
    tf.Tensor
  >;
  const column = (x: tf.Tensor): tf.Tensor2D => tf.reshape(x, [-1, 1]);
  const p = tf.exp(tf.sub(logits, column(lse)));
  const chosen = tf.cast(tf.oneHot(targets as tf.Tensor1D, logits.shape[1] as number), 'float32');
  return [tf.mul(tf.sub(p, chosen), column(tf.mul(weights, dy)))];
});

registerGradient(
  CROSS_ENTROPY,
  { inputs: ['logits', 'targets', 'weights'], outputs: [false, true] },
  ([dy], [logits, targets, weights, lse]) => ({
    logits: () =>
      runOperation(CROSS_ENTROPY_BACKWARD, { logits, targets, weights, lse, dy } as Record<
        string,
        tf.Tensor
      >)[0] as tf.Tensor,
  }),
);
