import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { realRows } from './realRows';

const values = (tensor: tf.Tensor): number[] => [...tensor.dataSync<'float32'>()];
const shapes = fc.record({
  promptLength: fc.integer({ min: 0, max: 6 }),
  responseLength: fc.integer({ min: 1, max: 6 }),
  width: fc.integer({ min: 1, max: 5 }),
  rows: fc.array(fc.record({ prompt: fc.nat(), response: fc.nat() }), { minLength: 1, maxLength: 6 }),
});

/** Ones for the tokens of a response, then zeros. */
const maskOf = (lengths: readonly number[], responseLength: number): tf.Tensor2D =>
  tf.tensor2d(
    lengths.flatMap((length) => Array.from({ length: responseLength }, (_, t) => Number(t < length))),
    [lengths.length, responseLength],
  );

describe.each(['cpu', 'wasm'] as const)('rows without their padding on %s', (backend) => {
  beforeAll(async () => {
    await startDevice(backend);
  });

  it('are the real ones, one row after another, and come back to their places with zeros around them', () => {
    fc.assert(
      fc.property(shapes, ({ promptLength, responseLength, width, rows }) => {
        const length = promptLength + responseLength;
        const starts = rows.map(({ prompt }) => prompt % (promptLength + 1));
        const responses = rows.map(({ response }) => response % (responseLength + 1));
        fc.pre(starts.some((start, b) => start < promptLength + (responses[b] as number)));
        const x = Array.from({ length: rows.length * length * width }, (_, i) => i + 1);
        const isReal = (i: number): boolean => {
          const [row, column] = [Math.floor(i / width / length), Math.floor(i / width) % length];
          return column >= (starts[row] as number) && column < promptLength + (responses[row] as number);
        };
        tf.tidy(() => {
          const start = tf.tensor1d(starts, 'int32');
          const { drop, dropIds, restore } = realRows(length, start, maskOf(responses, responseLength));
          const real = drop(tf.tensor2d(x, [rows.length * length, width]));
          expect(values(real)).toEqual(x.filter((_, i) => isReal(i)));
          expect(values(restore(real))).toEqual(x.map((value, i) => (isReal(i) ? value : 0)));
          const ids = x.slice(0, rows.length * length);
          const own = ids.filter((_, i) => isReal(i * width));
          expect([...dropIds(tf.tensor1d(ids, 'int32')).dataSync()]).toEqual(own);
        });
      }),
      { numRuns: 80 },
    );
  });

  it('have the gradient of each as that of the other: padding gets none, and gives none', () => {
    tf.tidy(() => {
      const start = tf.tensor1d([2, 0], 'int32');
      const { drop, restore } = realRows(3, start);
      const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [6, 1]);
      const weights = tf.tensor2d([10, 20, 30, 40], [4, 1]);
      const dropped = tf.grad((input: tf.Tensor) => tf.sum(tf.mul(drop(input as tf.Tensor2D), weights)))(x);
      expect(values(dropped)).toEqual([0, 0, 10, 20, 30, 40]);
      const real = tf.tensor2d([1, 2, 3, 4], [4, 1]);
      const all = tf.tensor2d([10, 20, 30, 40, 50, 60], [6, 1]);
      const restored = tf.grad((input: tf.Tensor) => tf.sum(tf.mul(restore(input as tf.Tensor2D), all)))(real);
      expect(values(restored)).toEqual([30, 40, 50, 60]);
    });
  });

  it('are the tensors themselves where nothing is padded', () => {
    tf.tidy(() => {
      const x = tf.tensor2d([1, 2], [2, 1]);
      const none = realRows(1, tf.tensor1d([0, 0], 'int32'), maskOf([1, 1], 1));
      expect(none.drop(x)).toBe(x);
      expect(none.restore(x)).toBe(x);
    });
  });
});
