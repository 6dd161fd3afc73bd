/**
 * Layer norm over the last axis: y = (x - mean) rstd gamma + beta. Ba et al. 2016, equation 4.
 *
 * Shapes: x [M, C]; gamma, beta [C]; statistics [M, 2], mean and rstd of each row. Variance is the biased one, as in
 * PyTorch.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { LAYER_NORM_EPSILON } from '../config';
import { hostFloats, unfilled } from './hostValues';
import { layerNormBackwardOnWasm, layerNormOnWasm } from './layerNorm.wasm';
import { registerGradient, registerReference, registerWasm, runOperation } from './operation';
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
  const [rows, width] = x.shape;
  const outputs = [unfilled([rows, width]), unfilled([rows, 2])] as const;
  const [values, scale, shift] = [hostFloats(x), hostFloats(gamma), hostFloats(beta)];
  const [y, statistics] = [hostFloats(outputs[0]), hostFloats(outputs[1])];
  for (let row = 0; row < rows; row++) {
    const at = row * width;
    let sum = 0;
    for (let c = 0; c < width; c++) sum += values[at + c]!;
    const mean = sum / width;
    let squares = 0;
    for (let c = 0; c < width; c++) {
      const centred = values[at + c]! - mean;
      squares += centred * centred;
    }
    const rstd = 1 / Math.sqrt(squares / width + epsilon);
    for (let c = 0; c < width; c++) y[at + c] = (values[at + c]! - mean) * rstd * scale[c]! + shift[c]!;
    statistics[2 * row] = mean;
    statistics[2 * row + 1] = rstd;
  }
  return [...outputs, ...(passX ? [passTensorThrough(x)] : [])];
});

// With n = (x - mean) rstd and g = dy gamma:
//   dx = rstd (g - mean(g) - n mean(g n)) + dPassed,  dgamma = sum dy n,  dbeta = sum dy.
registerReference(LAYER_NORM_BACKWARD, (inputs) => {
  const [rows, width] = (inputs['x'] as tf.Tensor2D).shape;
  const outputs = [unfilled([rows, width]), unfilled([width]), unfilled([width])] as const;
  const [x, gamma, statistics, dy] = ['x', 'gamma', 'statistics', 'dy'].map((name) =>
    hostFloats(inputs[name] as tf.Tensor),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const dPassed = inputs['dPassed'] ? hostFloats(inputs['dPassed']) : null;
  const [dx, dgamma, dbeta] = outputs.map(hostFloats) as [Float32Array, Float32Array, Float32Array];
  const [gammaSums, betaSums] = [new Float64Array(width), new Float64Array(width)];
  for (let row = 0; row < rows; row++) {
    const at = row * width;
    const mean = statistics[2 * row]!;
    const rstd = statistics[2 * row + 1]!;
    let total = 0;
    let along = 0;
    for (let c = 0; c < width; c++) {
      const n = (x[at + c]! - mean) * rstd;
      const gradient = dy[at + c]!;
      const g = gradient * gamma[c]!;
      total += g;
      along += g * n;
      gammaSums[c] = gammaSums[c]! + gradient * n;
      betaSums[c] = betaSums[c]! + gradient;
    }
    total /= width;
    along /= width;
    for (let c = 0; c < width; c++) {
      const n = (x[at + c]! - mean) * rstd;
      dx[at + c] = (dy[at + c]! * gamma[c]! - total - n * along) * rstd;
    }
    if (dPassed) for (let c = at; c < at + width; c++) dx[c] = dx[c]! + dPassed[c]!;
  }
  dgamma.set(gammaSums);
  dbeta.set(betaSums);
  return [...outputs];
});

registerWasm(LAYER_NORM, layerNormOnWasm);
registerWasm(LAYER_NORM_BACKWARD, layerNormBackwardOnWasm);

registerGradient<LayerNormAttributes>(
  LAYER_NORM,
  { inputs: ['x', 'gamma', 'beta'], outputs: [false, true] },
  ([dy, , dPassed], [x, gamma, beta, statistics]) => {
    const inputs = { x, gamma, beta, statistics, dy, ...(dPassed && { dPassed }) } as Record<string, tf.Tensor>;
    const [dx, dgamma, dbeta] = runOperation(LAYER_NORM_BACKWARD, inputs) as [tf.Tensor, tf.Tensor, tf.Tensor];
    return { x: () => dx, gamma: () => dgamma, beta: () => dbeta };
  },
);
