import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { gaussian } from './backendAgreement';
import { finalLayerNorm, layerNorm } from './layerNorm';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';

const EPSILON = 1e-5;

const plainLayerNorm = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor): tf.Tensor => {
  const { mean, variance } = tf.moments(x, 1, true);
  return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, EPSILON))), gamma), beta);
};

describe.each(HOST_BACKENDS)('layerNorm on %s', (backend) => {
  it.each([
    [1, 8],
    [5, 64],
    [17, 30],
  ])('and its three gradients are the formula of the paper: [%i, %i]', (rows, width) =>
    expectPlainAgreement(
      backend,
      ({ x, gamma, beta }) => finalLayerNorm(x as tf.Tensor2D, gamma as tf.Tensor1D, beta as tf.Tensor1D, EPSILON),
      ({ x, gamma, beta }) => plainLayerNorm(x as tf.Tensor, gamma as tf.Tensor, beta as tf.Tensor),
      { x: gaussian([rows, width], 2, 3), gamma: gaussian([width], 3), beta: gaussian([width], 4) },
      ['x', 'gamma', 'beta'],
    ),
  );

  it('and what goes past it send back the sum of both gradients', () =>
    expectPlainAgreement(
      backend,
      (t) => {
        const { y, x } = layerNorm(t['x'] as tf.Tensor2D, t['gamma'] as tf.Tensor1D, t['beta'] as tf.Tensor1D, EPSILON);
        return tf.add(x, tf.tanh(y));
      },
      ({ x, gamma, beta }) =>
        tf.add(x as tf.Tensor, tf.tanh(plainLayerNorm(x as tf.Tensor, gamma as tf.Tensor, beta as tf.Tensor))),
      { x: gaussian([7, 20], 2, 3), gamma: gaussian([20], 3), beta: gaussian([20], 4) },
      ['x', 'gamma', 'beta'],
    ));

  it('gives each row mean beta and deviation gamma, wherever the row lies', async () => {
    await startDevice(backend);
    const y = tf.tidy(() => {
      const x = tf.add(tf.mul(tf.randomNormal([4, 256], 0, 1, 'float32', 1), 5), 100) as tf.Tensor2D;
      const ys = finalLayerNorm(x, tf.fill([256], 2), tf.fill([256], 7), EPSILON);
      const { mean, variance } = tf.moments(ys, 1);
      return [mean.arraySync(), tf.sqrt(variance).arraySync()] as [number[], number[]];
    });
    for (const mean of y[0]) expect(mean).toBeCloseTo(7, 3);
    for (const deviation of y[1]) expect(deviation).toBeCloseTo(2, 3);
  });
});
