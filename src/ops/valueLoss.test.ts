import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { gaussian, hostArray } from './backendAgreement';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';
import { clippedValueLoss, type ValueLossInputs } from './valueLoss';

const [RANGE, COEF] = [0.5, 0.1];

/** As in `baselines`, in a form that tfjs differentiates. */
function plainLoss({ values, oldValues, returns, mask }: ValueLossInputs): tf.Tensor {
  const clipped = tf.minimum(tf.maximum(values, tf.sub(oldValues, RANGE)), tf.add(oldValues, RANGE));
  const errors = tf.maximum(tf.squaredDifference(values, returns), tf.squaredDifference(clipped, returns));
  return tf.mul(COEF / 2, tf.div(tf.sum(tf.mul(errors, mask)), tf.sum(mask)));
}

describe.each(HOST_BACKENDS)('clippedValueLoss on %s', (backend) => {
  it.each([
    { rows: 1, length: 1 },
    { rows: 5, length: 13 },
  ])('is the larger of the two errors, and so is its gradient: [$rows, $length]', ({ rows, length }) => {
    const run =
      (formula: (inputs: ValueLossInputs) => tf.Tensor) =>
      (t: Record<string, tf.Tensor>): tf.Tensor =>
        formula(t as Record<string, tf.Tensor2D> as Record<keyof ValueLossInputs, tf.Tensor2D>);
    return expectPlainAgreement(
      backend,
      run((inputs) => clippedValueLoss(inputs, RANGE, COEF).loss),
      run(plainLoss),
      {
        values: gaussian([rows, length], 1),
        oldValues: gaussian([rows, length], 2, 0.5),
        returns: gaussian([rows, length], 3),
        mask: hostArray(
          [rows, length],
          Array.from({ length: rows * length }, (_, i) => Number(i % length <= length - Math.floor(i / length))),
        ),
      },
      ['values'],
    );
  });
});
