import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { realRows } from './realRows';

const values = (tensor: tf.Tensor): number[] => [...tensor.dataSync<'float32'>()];
const shapes = fc.record({
  length: fc.integer({ min: 1, max: 9 }),
  width: fc.integer({ min: 1, max: 5 }),
  starts: fc.array(fc.nat(), { minLength: 1, maxLength: 6 }),
});

describe.each(['cpu', 'wasm'] as const)('rows without their padding on %s', (backend) => {
  beforeAll(async () => {
    await startDevice(backend);
  });

  it('are the real ones, one row after another, and come back to their places with zeros around them', () => {
    fc.assert(
      fc.property(shapes, ({ length, width, starts: drawn }) => {
        const starts = drawn.map((start) => start % length);
        const x = Array.from({ length: starts.length * length * width }, (_, i) => i + 1);
        const isReal = (i: number): boolean =>
          Math.floor(i / width) % length >= (starts[Math.floor(i / width / length)] as number);
        tf.tidy(() => {
          const { drop, restore } = realRows(tf.tensor1d(starts, 'int32'), length);
          const real = drop(tf.tensor2d(x, [starts.length * length, width]));
          expect(values(real)).toEqual(x.filter((_, i) => isReal(i)));
          expect(values(restore(real))).toEqual(x.map((value, i) => (isReal(i) ? value : 0)));
        });
      }),
      { numRuns: 50 },
    );
  });

  it('have the gradient of each as that of the other: padding gets none, and gives none', () => {
    tf.tidy(() => {
      const start = tf.tensor1d([2, 0], 'int32');
      const { drop, restore } = realRows(start, 3);
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
      for (const start of [null, tf.tensor1d([0, 0], 'int32')]) expect(realRows(start, 1).drop(x)).toBe(x);
    });
  });
});
