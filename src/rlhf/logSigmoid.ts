import * as tf from '@tensorflow/tfjs-core';

/**
 * log sigmoid(x) = -softplus(-x), which overflows at neither end.
 *
 * Not `tf.logSigmoid`: its gradient reads a tensor that an enclosing `tf.tidy` has already disposed.
 *
 * @param x any shape, float32
 * @returns the same shape; the caller disposes it
 */
export function logSigmoid<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => tf.neg(tf.softplus(tf.neg(x))));
}
