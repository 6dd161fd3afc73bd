import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement, gaussian, hostArray, results, startBothBackends } from './backendAgreement';
import { clippedPolicyLoss, type PolicyLossInputs } from './policyLoss';
import './policyLoss.webgpu';

const SIZES = [
  [1, 1],
  [3, 21],
  [1, 255],
  [16, 16],
  [1, 257],
  [17, 61],
  [32, 96],
] as const;

/** The later rows are shorter; ratios on both sides of the range. */
const inputs = (rows: number, length: number) => ({
  logProbs: gaussian([rows, length], 1, 0.15),
  entropies: gaussian([rows, length], 2),
  oldLogProbs: gaussian([rows, length], 3, 0.15),
  advantages: gaussian([rows, length], 4),
  mask: hostArray(
    [rows, length],
    Array.from({ length: rows * length }, (_, i) => Number(i % length <= length - 2 * Math.floor(i / length))),
  ),
});

/** Loss, statistics, and the gradient of a loss that goes on: dy is not 1. */
const all = (t: Record<string, tf.Tensor>): tf.Tensor[] => withDualClip(t);

function withDualClip(t: Record<string, tf.Tensor>, dualClip?: number): tf.Tensor[] {
  const lossOf = (logProbs: tf.Tensor) =>
    clippedPolicyLoss({ ...t, logProbs } as Record<string, tf.Tensor> as unknown as PolicyLossInputs, 0.2, dualClip);
  const { loss, statistics } = lossOf(t['logProbs'] as tf.Tensor);
  return [loss, statistics, tf.grad((x) => tf.mul(lossOf(x).loss, 3))(t['logProbs'] as tf.Tensor)];
}

describe('clippedPolicyLoss on WebGPU', () => {
  beforeAll(startBothBackends);

  it.each(SIZES)('agrees with the reference, statistics and gradient as well, [%i, %i]', async (rows, length) => {
    await expectAgreement(all, inputs(rows, length), 1e-5);
  });

  it.each(SIZES)('agrees where dual clip bites as well, [%i, %i]', async (rows, length) => {
    const far = { ...inputs(rows, length), logProbs: gaussian([rows, length], 1, 0.6) };
    await expectAgreement((t) => withDualClip(t, 1.5), far, 1e-5);
  });

  it('has the same bits each time', async () => {
    expect(await results('webgpu', all, inputs(20, 50))).toEqual(await results('webgpu', all, inputs(20, 50)));
  });

  it('of the policy that sampled has ratios of exactly 1, and does not see padding', async () => {
    const mask = hostArray([1, 4], [1, 1, 0, 0]);
    const same = { ...inputs(1, 4), mask, oldLogProbs: hostArray([1, 4], [-1, -2, 900, -900]) };
    const [, statistics] = await results('webgpu', all, { ...same, logProbs: hostArray([1, 4], [-1, -2, -900, 900]) });
    expect(Array.from(statistics!.values).slice(1, 3)).toEqual([0, 0]);
    expect(Array.from(statistics!.values).slice(4)).toEqual([1, 0, 0]);
  });

  it('says so in the approximate KL where a log-prob is not a number', async () => {
    const broken = inputs(4, 9);
    broken.logProbs.values[2] = NaN;
    const [, statistics] = await results('webgpu', all, broken);
    expect(statistics!.values[1]).toBeNaN();
  });
});
