/**
 * Chosen rows of four planes at once: what a minibatch takes from a batch that stays on the device.
 *
 * Shapes: planes [4, B, R]; rows [M] int32; four results [M, R]. They are data: there is no gradient.
 */
import * as tf from '@tensorflow/tfjs-core';
import { registerReference, runOperation } from './operation';

/** Inputs planes, rows; outputs the chosen rows of each plane. */
export const TAKE_ROWS = 'NudgeTakeRows';

/** Planes that one dispatch takes: with what they come from, fewer buffers than the eight that WebGPU promises. */
export const PLANES = 4;

export type Planes = [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];

/**
 * @param planes [4, B, R]
 * @param rows [M] int32, each from 0 to B - 1, in any order and any number of times
 */
export function takeRows(planes: tf.Tensor3D, rows: tf.Tensor1D): Planes {
  return runOperation(TAKE_ROWS, { planes, rows }) as Planes;
}

registerReference(TAKE_ROWS, (inputs) => {
  const { planes, rows } = inputs as { planes: tf.Tensor3D; rows: tf.Tensor1D };
  return tf.unstack(tf.gather(planes, rows, 1));
});
