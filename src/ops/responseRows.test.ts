import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { gaussian } from './backendAgreement';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';
import { responseRows, responseRowsBeside } from './responseRows';

/** [B R, C] by a product with the matrix that chooses positions P - 1 … T - 2. */
function plainRows(hidden: tf.Tensor3D, promptLength: number): tf.Tensor {
  const [batch, length, width] = hidden.shape;
  const positions = tf.range(promptLength - 1, length - 1, 1, 'int32') as tf.Tensor1D;
  const choice = tf.tile(tf.expandDims(tf.cast(tf.oneHot(positions, length), 'float32'), 0), [batch, 1, 1]);
  return tf.reshape(tf.matMul(choice, hidden), [-1, width]);
}

describe.each(HOST_BACKENDS)('responseRows on %s', (backend) => {
  it.each([
    { shape: [1, 2, 1], promptLength: 1 },
    { shape: [3, 7, 5], promptLength: 1 },
    { shape: [3, 7, 5], promptLength: 4 },
    { shape: [2, 5, 4], promptLength: 4 },
  ])('are the states before the tokens of the response: $shape, P = $promptLength', ({ shape, promptLength }) =>
    expectPlainAgreement(
      backend,
      (t) => responseRows(t['hidden'] as tf.Tensor3D, promptLength),
      (t) => plainRows(t['hidden'] as tf.Tensor3D, promptLength),
      { hidden: gaussian(shape, 1) },
      ['hidden'],
    ),
  );

  it('add up both gradients where all states go on beside them', () => {
    const both = (states: tf.Tensor, hidden: tf.Tensor): tf.Tensor =>
      tf.concat([tf.reshape(states, [-1]), tf.reshape(tf.square(hidden), [-1])]);
    return expectPlainAgreement(
      backend,
      (t) => {
        const { states, hidden } = responseRowsBeside(t['hidden'] as tf.Tensor3D, 3);
        return both(states, hidden);
      },
      (t) => both(plainRows(t['hidden'] as tf.Tensor3D, 3), t['hidden'] as tf.Tensor),
      { hidden: gaussian([3, 7, 5], 2) },
      ['hidden'],
    );
  });
});
