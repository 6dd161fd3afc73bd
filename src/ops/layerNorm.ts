/**
 * Layer norm over the last axis: y = (x - mean) rstd gamma + beta. Ba et al. 2016, equation 4.
 *
 * Shapes: x [M, C]; gamma, beta [C]; statistics [M, 2], mean and rstd of each row. Variance is the biased one, as in
 * PyTorch.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LAYER_NORM_EPSILON } from '../config';
import { registerGradient, registerReference, runOperation } from './operation';
import { passTensorThrough } from './passThrough';

export const LAYER_NORM = 'NudgeLayerNorm';
/** Inputs x, gamma, beta, statistics, dy, and dPassed where x was passed through; outputs dx [M, C], dgamma, dbeta [C]. */
export const LAYER_NORM_BACKWARD = 'NudgeLayerNormBackward';

export interface LayerNormAttributes {
  epsilon: number;
  /** Whether x is an output too. */
  passX: boolean;
}

/**
 * Layer norm of a block with a residual path. Take x for that path from here: its gradient then comes to the one of the
 * norm, which gives the sum of both.
 * @param x [M, C]
 * @returns y [M, C], and x as it came
 */
export function layerNorm(
  x: tf.Tensor2D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon = LAYER_NORM_EPSILON,
): { y: tf.Tensor2D; x: tf.Tensor2D } {
  const attributes: LayerNormAttributes = { epsilon, passX: true };
  const [y, , passed] = runOperation(LAYER_NORM, { x, gamma, beta }, attributes) as [tf.Tensor, tf.Tensor, tf.Tensor];
  return { y: y as tf.Tensor2D, x: passed as tf.Tensor2D };
}

/** Layer norm that nothing goes past, as the last one. Returns y [M, C]. */
export function finalLayerNorm(
  x: tf.Tensor2D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon = LAYER_NORM_EPSILON,
): tf.Tensor2D {
  const attributes: LayerNormAttributes = { epsilon, passX: false };
  return runOperation(LAYER_NORM, { x, gamma, beta }, attributes)[0] as tf.Tensor2D;
}

registerReference<LayerNormAttributes>(LAYER_NORM, (inputs, { epsilon, passX }) => {
  const { x, gamma, beta } = inputs as { x: tf.Tensor2D; gamma: tf.Tensor1D; beta: tf.Tensor1D };
  const mean = tf.mean(x, 1, true); // [M, 1]
  const centred = tf.sub(x, mean);
  const rstd = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon)); // [M, 1]
  const y = tf.add(tf.mul(tf.mul(centred, rstd), gamma), beta);
  return [y, tf.concat([mean, rstd], 1), ...(passX ? [passTensorThrough(x)] : [])];
});

// With n = (x - mean) rstd and g = dy gamma:
//   dx = rstd (g - mean(g) - n mean(g n)) + dPassed,  dgamma = sum dy n,  dbeta = sum dy.
registerReference(LAYER_NORM_BACKWARD, (inputs) => {
  const { x, gamma, statistics, dy } = inputs as Record<'x' | 'gamma' | 'statistics' | 'dy', tf.Tensor>;
  const [mean, scale] = tf.split(statistics, 2, 1) as [tf.Tensor, tf.Tensor]; // [M, 1] each
  const n = tf.mul(tf.sub(x, mean), scale);
  const g = tf.mul(dy, gamma);
  const spread = tf.add(tf.mean(g, 1, true), tf.mul(n, tf.mean(tf.mul(g, n), 1, true)));
  const dx = tf.mul(tf.sub(g, spread), scale);
  const dPassed = inputs['dPassed'];
  return [dPassed ? tf.add(dx, dPassed) : dx, tf.sum(tf.mul(dy, n), 0), tf.sum(dy, 0)];
});

registerGradient<LayerNormAttributes>(
  LAYER_NORM,
  { inputs: ['x', 'gamma', 'beta'], outputs: [false, true] },
  ([dy, , dPassed], [x, gamma, beta, statistics]) => {
    const inputs = { x, gamma, beta, statistics, dy, ...(dPassed && { dPassed }) } as Record<string, tf.Tensor>;
    const [dx, dgamma, dbeta] = runOperation(LAYER_NORM_BACKWARD, inputs) as [tf.Tensor, tf.Tensor, tf.Tensor];
    return { x: () => dx, gamma: () => dgamma, beta: () => dbeta };
  },
);
