import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { gaussian, hostArray } from './backendAgreement';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';
import { clippedPolicyLoss, type PolicyLossInputs } from './policyLoss';

const RANGE = 0.2;

/** PPO's equation 7, which tfjs differentiates. */
function plainLoss({ logProbs, oldLogProbs, advantages, mask }: PolicyLossInputs): tf.Tensor {
  const ratio = tf.exp(tf.sub(logProbs, oldLogProbs));
  const surrogate = tf.minimum(
    tf.mul(advantages, ratio),
    tf.mul(advantages, tf.clipByValue(ratio, 1 - RANGE, 1 + RANGE)),
  );
  return tf.neg(tf.div(tf.sum(tf.mul(surrogate, mask)), tf.sum(mask)));
}

describe.each(HOST_BACKENDS)('clippedPolicyLoss on %s', (backend) => {
  it.each([
    { rows: 1, length: 1 },
    { rows: 5, length: 13 },
  ])('is the clipped surrogate, and so is its gradient: [$rows, $length]', ({ rows, length }) => {
    const run =
      (formula: (inputs: PolicyLossInputs) => tf.Tensor) =>
      (t: Record<string, tf.Tensor>): tf.Tensor =>
        formula(t as Record<string, tf.Tensor2D> as Record<keyof PolicyLossInputs, tf.Tensor2D>);
    return expectPlainAgreement(
      backend,
      run((inputs) => clippedPolicyLoss(inputs, RANGE).loss),
      run(plainLoss),
      {
        logProbs: gaussian([rows, length], 1, 0.1),
        entropies: gaussian([rows, length], 2),
        oldLogProbs: gaussian([rows, length], 3, 0.1),
        advantages: gaussian([rows, length], 4),
        mask: hostArray(
          [rows, length],
          Array.from({ length: rows * length }, (_, i) => Number(i % length <= length - Math.floor(i / length))),
        ),
      },
      ['logProbs'],
    );
  });
});
