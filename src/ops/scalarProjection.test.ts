import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { gaussian } from './backendAgreement';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';
import { scalarProjection } from './scalarProjection';

describe.each(HOST_BACKENDS)('scalarProjection on %s', (backend) => {
  it.each([
    { shape: [1, 1, 1], first: 0, count: 1 },
    { shape: [3, 7, 5], first: 0, count: 7 },
    { shape: [3, 7, 5], first: 2, count: 4 },
    { shape: [2, 5, 4], first: 4, count: 1 },
  ])('is hidden · weight + bias: $shape from $first, $count', ({ shape, first, count }) => {
    const width = shape[2] as number;
    return expectPlainAgreement(
      backend,
      (t) =>
        scalarProjection(
          t['hidden'] as tf.Tensor3D,
          t['weight'] as tf.Tensor2D,
          t['bias'] as tf.Tensor1D,
          first,
          count,
        ),
      (t) => {
        const products = tf.mul(t['hidden'] as tf.Tensor, tf.reshape(t['weight'] as tf.Tensor, [1, 1, width]));
        return tf.slice(tf.add(tf.sum(products, 2), t['bias'] as tf.Tensor), [0, first], [-1, count]);
      },
      { hidden: gaussian(shape, 1), weight: gaussian([width, 1], 2), bias: gaussian([1], 3) },
      ['hidden', 'weight', 'bias'],
    );
  });
});
