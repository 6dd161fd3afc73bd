/**
 * Left-padded rows without their padding, and with it again. What happens to each token alone (norms, products, the MLP)
 * then costs nothing for padding; attention, which needs to know which tokens are a row's, gets the rectangle back.
 *
 * Shapes: a rectangle [B T, W] of B rows, row b real from column start_b on; real rows [M, W], M = Σ_b (T - start_b), one
 * row of B after another. Each operation is the gradient of the other: padding gets 0, and what comes from it is dropped.
 *
 * On the host backends alone. On WebGPU a step is recorded for its shapes, and M would be another one every time.
 */
import * as tf from '@tensorflow/tfjs-core';
import { hostFloats, unfilled } from './hostValues';
import { registerGradient, registerReference, runOperation } from './operation';

/** Inputs x [B T, W], start [B] int32; output [M, W]. */
export const DROP_PADDING = 'NudgeDropPadding';
/** Inputs x [M, W], start [B] int32; output [B T, W]. */
export const RESTORE_PADDING = 'NudgeRestorePadding';

export interface PaddingAttributes {
  /** T */
  length: number;
}

/** From rectangles of B rows to real rows, and back. */
export interface RealRows {
  /** [B T, W] to [M, W] */
  drop(x: tf.Tensor2D): tf.Tensor2D;
  /** [M, W] to [B T, W], 0 where there is padding */
  restore(x: tf.Tensor2D): tf.Tensor2D;
}

const ALL_ROWS: RealRows = { drop: (x) => x, restore: (x) => x };

/**
 * @param start [B] int32, first real column of each row, 0 … T; null where none is padded
 * @param length T
 * @returns what leaves everything as it is where nothing is padded, and on WebGPU
 */
export function realRows(start: tf.Tensor1D | null, length: number): RealRows {
  if (start === null || tf.getBackend() === 'webgpu') return ALL_ROWS;
  if (start.dataSync<'int32'>().every((first) => first === 0)) return ALL_ROWS;
  const attributes: PaddingAttributes = { length };
  return {
    drop: (x) => runOperation(DROP_PADDING, { x, start }, attributes)[0] as tf.Tensor2D,
    restore: (x) => runOperation(RESTORE_PADDING, { x, start }, attributes)[0] as tf.Tensor2D,
  };
}

registerReference<PaddingAttributes>(DROP_PADDING, (inputs, { length }) => {
  const { x, start } = inputs as { x: tf.Tensor2D; start: tf.Tensor1D };
  const width = x.shape[1];
  const starts = start.dataSync<'int32'>();
  const real = unfilled<tf.Rank.R2>([starts.reduce((sum, first) => sum + length - first, 0), width]);
  const [from, to] = [hostFloats(x), hostFloats(real)];
  let row = 0;
  starts.forEach((first, b) => {
    to.set(from.subarray((b * length + first) * width, (b + 1) * length * width), row * width);
    row += length - first;
  });
  return [real];
});

registerReference<PaddingAttributes>(RESTORE_PADDING, (inputs, { length }) => {
  const { x, start } = inputs as { x: tf.Tensor2D; start: tf.Tensor1D };
  const width = x.shape[1];
  const starts = start.dataSync<'int32'>();
  const whole = unfilled<tf.Rank.R2>([starts.length * length, width]);
  const [from, to] = [hostFloats(x), hostFloats(whole)];
  let row = 0;
  starts.forEach((first, b) => {
    to.fill(0, b * length * width, (b * length + first) * width);
    to.set(from.subarray(row * width, (row + length - first) * width), (b * length + first) * width);
    row += length - first;
  });
  return [whole];
});

registerGradient<PaddingAttributes>(DROP_PADDING, { inputs: ['start'], outputs: [] }, ([dy], [start], attributes) => ({
  x: () => runOperation(RESTORE_PADDING, { x: dy as tf.Tensor, start: start as tf.Tensor }, attributes)[0] as tf.Tensor,
}));

registerGradient<PaddingAttributes>(
  RESTORE_PADDING,
  { inputs: ['start'], outputs: [] },
  ([dy], [start], attributes) => ({
    x: () => runOperation(DROP_PADDING, { x: dy as tf.Tensor, start: start as tf.Tensor }, attributes)[0] as tf.Tensor,
  }),
);
