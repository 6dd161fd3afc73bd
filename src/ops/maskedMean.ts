/** mean_m x = Σ x · mask / Σ mask, in plain tfjs. */
import * as tf from '@tensorflow/tfjs-core';

/** mean_m of one [B, R] tensor, a scalar. */
export function maskedMean(values: tf.Tensor, mask: tf.Tensor): tf.Scalar {
  return tf.div(tf.sum(tf.mul(values, mask)), tf.sum(mask));
}

/** mean_m of each of S tensors [B, R] at once, as [S]. */
export function maskedMeans(values: tf.Tensor[], mask: tf.Tensor): tf.Tensor1D {
  return tf.div(tf.sum(tf.mul(tf.stack(values), mask), [1, 2]), tf.sum(mask));
}
