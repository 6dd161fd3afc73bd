import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ShapeError } from '../errors';
import { startDevice } from '../gpu/device';
import { gaussian } from './backendAgreement';
import { matrixProduct } from './matrixProduct';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';

const [M, K, N] = [7, 5, 9];

describe.each(HOST_BACKENDS)('matrixProduct on %s', (backend) => {
  it.each([false, true])('sends each operand its gradient, the right one transposed: %s', (transposeB) =>
    expectPlainAgreement(
      backend,
      (t) => matrixProduct(t['a'] as tf.Tensor2D, t['b'] as tf.Tensor2D, { transposeB }),
      (t) => tf.matMul(t['a'] as tf.Tensor2D, t['b'] as tf.Tensor2D, false, transposeB),
      { a: gaussian([M, K], 18), b: gaussian(transposeB ? [N, K] : [K, N], 19) },
      ['a', 'b'],
    ),
  );

  it('with a transposed left operand is the product of a weight gradient', async () => {
    await startDevice(backend);
    const [a, b] = [gaussian([K, M], 20), gaussian([K, N], 21)];
    const apart = tf.tidy(() => {
      const [left, right] = [tf.tensor2d(a.values, [K, M]), tf.tensor2d(b.values, [K, N])];
      const own = matrixProduct(left, right, { transposeA: true });
      return tf.max(tf.abs(tf.sub(own, tf.matMul(tf.transpose(left), right)))).arraySync();
    });
    expect(apart).toBeLessThan(1e-6);
  });

  it('refuses operands whose inner sizes differ', async () => {
    await startDevice(backend);
    tf.tidy(() => {
      const [a, b] = [tf.zeros<tf.Rank.R2>([2, 3]), tf.zeros<tf.Rank.R2>([4, 3])];
      expect(() => matrixProduct(a, b)).toThrow(ShapeError);
      expect(() => matrixProduct(a, b, { transposeA: true, transposeB: true })).toThrow(ShapeError);
      expect(matrixProduct(a, b, { transposeB: true }).shape).toEqual([2, 4]);
    });
  });
});
