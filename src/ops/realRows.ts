/**
 * Padded rows without their padding, and with it again. What happens to each token alone (norms, products, the MLP, the
 * output head) then costs nothing for padding; attention, which needs to know which tokens are a row's, gets the
 * rectangle back.
 *
 * Shapes: a rectangle [B T, W] of B rows, row b real in columns start_b ≤ t < end_b; real rows [M, W],
 * M = Σ_b (end_b - start_b), one row of B after another. Each operation is the gradient of the other: padding gets 0, and
 * what comes from it is dropped.
 *
 * On the host backends alone. On WebGPU a step is recorded for its shapes, and M would be another one every time.
 */
import * as tf from '@tensorflow/tfjs-core';
import { hostFloats, unfilled } from './hostValues';
import { registerGradient, registerReference, runOperation } from './operation';

/** Input x [B T, W]; output [M, W]. */
export const DROP_PADDING = 'NudgeDropPadding';
/** Input x [M, W]; output [B T, W]. */
export const RESTORE_PADDING = 'NudgeRestorePadding';

export interface PaddingAttributes {
  /** T */
  length: number;
  /** B each */
  starts: number[];
  ends: number[];
}

/** From rectangles of B rows to real rows, and back. */
export interface RealRows {
  /** [B T, W] to [M, W] */
  drop(x: tf.Tensor2D): tf.Tensor2D;
  /** [M, W] to [B T, W], 0 where there is padding */
  restore(x: tf.Tensor2D): tf.Tensor2D;
  /** [B T] int32 to [M] */
  dropIds(ids: tf.Tensor1D): tf.Tensor1D;
}

const ALL_ROWS: RealRows = { drop: (x) => x, restore: (x) => x, dropIds: (ids) => ids };

/**
 * @param length T
 * @param start [B] int32, first real column of each row, 0 … T; null where nothing is padded on the left
 * @param mask [B, R] of the last R columns: the zeros at the end of a row are padding; null where nothing is padded on the
 *   right
 * @returns what leaves everything as it is where nothing is padded, and on WebGPU
 */
export function realRows(length: number, start: tf.Tensor1D | null, mask: tf.Tensor2D | null = null): RealRows {
  if (tf.getBackend() === 'webgpu') return ALL_ROWS;
  const batch = (start ?? mask)?.shape[0] ?? 0;
  const starts = start ? [...start.dataSync<'int32'>()] : new Array<number>(batch).fill(0);
  const ends = mask ? endsOf(length, mask) : new Array<number>(batch).fill(length);
  const count = starts.reduce((sum, first, b) => sum + (ends[b] as number) - first, 0);
  if (count === batch * length || count === 0) return ALL_ROWS;
  const attributes: PaddingAttributes = { length, starts, ends };
  return {
    drop: (x) => runOperation(DROP_PADDING, { x }, attributes)[0] as tf.Tensor2D,
    restore: (x) => runOperation(RESTORE_PADDING, { x }, attributes)[0] as tf.Tensor2D,
    dropIds: (ids) => {
      const values = ids.dataSync<'int32'>();
      const real = new Int32Array(count);
      forEachRow(attributes, (first, end, row) => real.set(values.subarray(first, end), row));
      return tf.tensor1d(real, 'int32');
    },
  };
}

function endsOf(length: number, mask: tf.Tensor2D): number[] {
  const [batch, columns] = mask.shape;
  const real = mask.dataSync<'float32'>();
  return Array.from({ length: batch }, (_, b) => {
    let last = columns;
    while (last > 0 && real[b * columns + last - 1] === 0) last--;
    return length - columns + last;
  });
}

/** Calls back with the real rows of the rectangle, from and up to, and the first of them among all real rows. */
function forEachRow(
  { length, starts, ends }: PaddingAttributes,
  each: (first: number, end: number, row: number) => void,
): void {
  let row = 0;
  starts.forEach((start, b) => {
    const end = ends[b] as number;
    each(b * length + start, b * length + end, row);
    row += end - start;
  });
}

registerReference<PaddingAttributes>(DROP_PADDING, (inputs, attributes) => {
  const x = inputs['x'] as tf.Tensor2D;
  const width = x.shape[1];
  const { starts, ends } = attributes;
  const real = unfilled<tf.Rank.R2>([ends.reduce((sum, end, b) => sum + end - (starts[b] as number), 0), width]);
  const [from, to] = [hostFloats(x), hostFloats(real)];
  forEachRow(attributes, (first, end, row) => to.set(from.subarray(first * width, end * width), row * width));
  return [real];
});

registerReference<PaddingAttributes>(RESTORE_PADDING, (inputs, attributes) => {
  const x = inputs['x'] as tf.Tensor2D;
  const width = x.shape[1];
  const whole = unfilled<tf.Rank.R2>([attributes.starts.length * attributes.length, width]);
  const [from, to] = [hostFloats(x), hostFloats(whole)];
  let done = 0;
  forEachRow(attributes, (first, end, row) => {
    to.fill(0, done, first * width);
    to.set(from.subarray(row * width, (row + end - first) * width), first * width);
    done = end * width;
  });
  to.fill(0, done);
  return [whole];
});

for (const [name, gradient] of [
  [DROP_PADDING, RESTORE_PADDING],
  [RESTORE_PADDING, DROP_PADDING],
] as const) {
  registerGradient<PaddingAttributes>(name, { inputs: [], outputs: [] }, ([dy], _saved, attributes) => ({
    x: () => runOperation(gradient, { x: dy as tf.Tensor }, attributes)[0] as tf.Tensor,
  }));
}
