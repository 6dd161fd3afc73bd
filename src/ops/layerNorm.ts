/**
 * Layer norm over the last axis: y = (x - mean) rstd gamma + beta. Ba et al. 2016, equation 4.
 *
 * Shapes: x [M, C]; gamma, beta [C]; mean, rstd [M]. Variance is the biased one, as in PyTorch.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LAYER_NORM_EPSILON } from '../config';
import { registerGradient, registerReference, runOperation } from './operation';

export const LAYER_NORM = 'NudgeLayerNorm';
/** Inputs x, gamma, mean, rstd, dy; outputs dx [M, C], dgamma [C], dbeta [C]. */
export const LAYER_NORM_BACKWARD = 'NudgeLayerNormBackward';

export interface LayerNormAttributes {
  epsilon: number;
}

/**
 * @param x [M, C]
 * @returns y [M, C]
 */
export function layerNorm(
  x: tf.Tensor2D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon = LAYER_NORM_EPSILON,
): tf.Tensor2D {
  const attributes: LayerNormAttributes = { epsilon };
  return runOperation(LAYER_NORM, { x, gamma, beta }, attributes)[0] as tf.Tensor2D;
}

registerReference<LayerNormAttributes>(LAYER_NORM, (inputs, { epsilon }) => {
  const { x, gamma, beta } = inputs as { x: tf.Tensor2D; gamma: tf.Tensor1D; beta: tf.Tensor1D };
  const mean = tf.mean(x, 1, true); // [M, 1]
  const centred = tf.sub(x, mean);
  const rstd = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon)); // [M, 1]
  const y = tf.add(tf.mul(tf.mul(centred, rstd), gamma), beta);
  return [y, tf.reshape(mean, [-1]), tf.reshape(rstd, [-1])];
});

// With n = (x - mean) rstd and g = dy gamma:  dx = rstd (g - mean(g) - n mean(g n)),  dgamma = sum dy n,  dbeta = sum dy.
registerReference(LAYER_NORM_BACKWARD, (inputs) => {
  const { x, gamma, mean, rstd, dy } = inputs as Record<'x' | 'gamma' | 'mean' | 'rstd' | 'dy', tf.Tensor>;
  const scale = tf.reshape(rstd as tf.Tensor, [-1, 1]); // [M, 1]
  const n = tf.mul(tf.sub(x as tf.Tensor, tf.reshape(mean as tf.Tensor, [-1, 1])), scale);
  const g = tf.mul(dy as tf.Tensor, gamma as tf.Tensor);
  const spread = tf.add(tf.mean(g, 1, true), tf.mul(n, tf.mean(tf.mul(g, n), 1, true)));
  const dx = tf.mul(tf.sub(g, spread), scale);
  return [dx, tf.sum(tf.mul(dy as tf.Tensor, n), 0), tf.sum(dy as tf.Tensor, 0)];
});

registerGradient(
  LAYER_NORM,
  { inputs: ['x', 'gamma'], outputs: [false, true, true] },
  ([dy], [x, gamma, mean, rstd]) => {
    const inputs = { x, gamma, mean, rstd, dy } as Record<string, tf.Tensor>;
    const [dx, dgamma, dbeta] = runOperation(LAYER_NORM_BACKWARD, inputs) as [tf.Tensor, tf.Tensor, tf.Tensor];
    return { x: () => dx, gamma: () => dgamma, beta: () => dbeta };
  },
);
