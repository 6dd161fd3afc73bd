import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { gaussian, hostArray } from './backendAgreement';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';
import { clippedPolicyLoss, NO_DUAL_CLIP, type PolicyLossInputs } from './policyLoss';

const RANGE = 0.2;

/** PPO's equation 7, which tfjs differentiates; with the lower bound of dual clip (Ye et al. 2020, equation 5). */
function plainLoss({ logProbs, oldLogProbs, advantages, mask }: PolicyLossInputs, dualClip = Infinity): tf.Tensor {
  const ratio = tf.exp(tf.sub(logProbs, oldLogProbs));
  const surrogate = tf.minimum(
    tf.mul(advantages, ratio),
    tf.mul(advantages, tf.clipByValue(ratio, 1 - RANGE, 1 + RANGE)),
  );
  const bounded =
    dualClip === Infinity
      ? surrogate
      : tf.where(tf.less(advantages, 0), tf.maximum(surrogate, tf.mul(dualClip, advantages)), surrogate);
  return tf.neg(tf.div(tf.sum(tf.mul(bounded, mask)), tf.sum(mask)));
}

describe.each(HOST_BACKENDS)('clippedPolicyLoss on %s', (backend) => {
  it.each([
    { rows: 1, length: 1, dualClip: Infinity },
    { rows: 5, length: 13, dualClip: Infinity },
    { rows: 5, length: 13, dualClip: 1.5 },
  ])('is the clipped surrogate, and so is its gradient: [$rows, $length], dual clip $dualClip', (own) => {
    const { rows, length, dualClip } = own;
    const spread = dualClip === Infinity ? 0.1 : 0.5; // ratios on both sides of 1.5

    const run =
      (formula: (inputs: PolicyLossInputs) => tf.Tensor) =>
      (t: Record<string, tf.Tensor>): tf.Tensor =>
        formula(t as Record<string, tf.Tensor2D> as Record<keyof PolicyLossInputs, tf.Tensor2D>);
    return expectPlainAgreement(
      backend,
      run((inputs) => clippedPolicyLoss(inputs, RANGE, Math.min(dualClip, NO_DUAL_CLIP)).loss),
      run((inputs) => plainLoss(inputs, dualClip)),
      {
        logProbs: gaussian([rows, length], 1, spread),
        entropies: gaussian([rows, length], 2),
        oldLogProbs: gaussian([rows, length], 3, spread),
        advantages: gaussian([rows, length], 4),
        mask: hostArray(
          [rows, length],
          Array.from({ length: rows * length }, (_, i) => Number(i % length <= length - Math.floor(i / length))),
        ),
      },
      ['logProbs'],
    );
  });

  it('stops a bad token from costing more than dualClip times its advantage, and from moving the policy', async () => {
    await startDevice(backend);
    const at = (logProb: number) => {
      const row = (value: number): tf.Tensor2D => tf.tensor2d([[value]]);
      const inputs = (logProbs: tf.Tensor2D): PolicyLossInputs => ({
        logProbs,
        entropies: row(1),
        oldLogProbs: row(0),
        advantages: row(-2),
        mask: row(1),
      });
      const loss = (logProbs: tf.Tensor): tf.Scalar =>
        clippedPolicyLoss(inputs(logProbs as tf.Tensor2D), RANGE, 3).loss;
      return tf.tidy(() => {
        const { value, grad } = tf.valueAndGrad(loss)(row(logProb));
        return [value.dataSync()[0] as number, grad.dataSync()[0] as number];
      });
    };
    const [below, above] = [at(Math.log(2.9)), at(Math.log(3.1))];
    expect(below[0]).toBeCloseTo(5.8, 5);
    expect(below[1]).toBeCloseTo(5.8, 5);
    expect(above[0]).toBeCloseTo(6, 5);
    expect(above[1]).toBe(0);
  });
});
