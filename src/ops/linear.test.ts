import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ShapeError } from '../errors';
import { startDevice } from '../gpu/device';
import { gaussian } from './backendAgreement';
import { linear } from './linear';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';

const [M, K, N] = [7, 5, 9];

const layer = ({ x, weight, bias, residual }: Record<string, tf.Tensor>): tf.Tensor =>
  linear(x as tf.Tensor2D, weight as tf.Tensor2D, bias as tf.Tensor1D, residual as tf.Tensor2D | undefined);

const plainLayer = ({ x, weight, bias, residual }: Record<string, tf.Tensor>): tf.Tensor => {
  const y = tf.add(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D), bias as tf.Tensor1D);
  return residual ? tf.add(y, residual) : y;
};

describe.each(HOST_BACKENDS)('linear on %s', (backend) => {
  const inputs = { x: gaussian([M, K], 15), weight: gaussian([K, N], 16), bias: gaussian([N], 17) };

  it('and its three gradients are those of x W + b', () =>
    expectPlainAgreement(backend, layer, plainLayer, inputs, ['x', 'weight', 'bias']));

  it('adds to a residual, which gets its gradient too', () =>
    expectPlainAgreement(backend, layer, plainLayer, { ...inputs, residual: gaussian([M, N], 18) }, [
      'x',
      'weight',
      'bias',
      'residual',
    ]));

  it('leaves the gradient that it was given alone', async () => {
    await startDevice(backend);
    const sums = tf.tidy(() => {
      const [x, weight, bias, residual] = [tf.ones([2, 3]), tf.ones([3, 4]), tf.ones([4]), tf.ones([2, 4])];
      const dy = tf.ones([2, 4]);
      // The residual is used twice, so tfjs adds its two gradients and disposes of both.
      const [dResidual] = tf.grads((r) => tf.add(layer({ x, weight, bias, residual: r! }), tf.mul(r!, 2)))(
        [residual],
        dy,
      );
      return [tf.sum(dResidual!).arraySync(), tf.sum(dy).arraySync()];
    });
    expect(sums).toEqual([24, 8]);
  });

  it('refuses a weight of another height', async () => {
    await startDevice(backend);
    tf.tidy(() => {
      expect(() => linear(tf.zeros([2, 3]), tf.zeros([4, 3]), tf.zeros([3]))).toThrow(ShapeError);
    });
  });
});
