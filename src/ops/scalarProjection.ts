/**
 * One number of each state in a range of positions: a linear layer with one output.
 *
 * Shapes: hidden [B, T, C]; weight [C, 1]; bias [1]; y [B, N], y[b, t] = hidden[b, first + t] · weight + bias.
 */
import * as tf from '@tensorflow/tfjs-core';
import { plainProduct } from './matrixProduct';
import { registerGradient, registerReference, runOperation } from './operation';

export const SCALAR_PROJECTION = 'NudgeScalarProjection';
/** Inputs hidden, weight, bias, of which only the place counts, dy; outputs dHidden, dWeight, dBias. */
export const SCALAR_PROJECTION_BACKWARD = 'NudgeScalarProjectionBackward';

export interface ScalarProjectionAttributes {
  first: number;
  /** N */
  count: number;
}

/**
 * @param first position read, at least 0
 * @param count positions read; `first + count` at most T
 * @returns [B, count]
 */
export function scalarProjection(
  hidden: tf.Tensor3D,
  weight: tf.Tensor2D,
  bias: tf.Tensor1D,
  first = 0,
  count = hidden.shape[1],
): tf.Tensor2D {
  const attributes: ScalarProjectionAttributes = { first, count };
  return runOperation(SCALAR_PROJECTION, { hidden, weight, bias }, attributes)[0] as tf.Tensor2D;
}

/** The states in the range, [B N, C]. */
function chosen(hidden: tf.Tensor3D, { first, count }: ScalarProjectionAttributes): tf.Tensor2D {
  const [batch, , width] = hidden.shape;
  return tf.reshape(tf.slice(hidden, [0, first, 0], [batch, count, width]), [batch * count, width]);
}

registerReference<ScalarProjectionAttributes>(SCALAR_PROJECTION, (inputs, attributes) => {
  const { hidden, weight, bias } = inputs as { hidden: tf.Tensor3D; weight: tf.Tensor2D; bias: tf.Tensor1D };
  const y = tf.add(plainProduct(chosen(hidden, attributes), weight), bias);
  return [tf.reshape(y, [hidden.shape[0], attributes.count])];
});

registerReference<ScalarProjectionAttributes>(SCALAR_PROJECTION_BACKWARD, (inputs, attributes) => {
  const { hidden, weight, dy } = inputs as { hidden: tf.Tensor3D; weight: tf.Tensor2D; dy: tf.Tensor2D };
  const { first, count } = attributes;
  const length = hidden.shape[1];
  const padded = tf.pad2d(dy, [
    [0, 0],
    [first, length - first - count],
  ]);
  const dHidden = tf.mul(tf.expandDims(padded, 2), tf.reshape(weight, [1, 1, -1]));
  const column = tf.reshape(dy, [-1, 1]);
  return [dHidden, plainProduct(chosen(hidden, attributes), column, true), tf.reshape(tf.sum(dy), [1])];
});

registerGradient<ScalarProjectionAttributes>(
  SCALAR_PROJECTION,
  { inputs: ['hidden', 'weight', 'bias'], outputs: [] },
  ([dy], [hidden, weight, bias], attributes) => {
    const inputs = { hidden, weight, bias, dy } as Record<string, tf.Tensor>;
    const gradients = runOperation(SCALAR_PROJECTION_BACKWARD, inputs, attributes);
    const [dHidden, dWeight, dBias] = gradients as [tf.Tensor, tf.Tensor, tf.Tensor];
    return { hidden: () => dHidden, weight: () => dWeight, bias: () => dBias };
  },
);
