/** On WebGPU: both kernels between scores and minibatches against the formulas on the host. */
import type * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement, gaussian, hostArray, results, startBothBackends } from '../ops/backendAgreement';
import type { AdvantagesInputs } from '../ops/advantages';
import { klCoefValues, type ShapedRewardsInputs } from '../ops/shapedRewards';
import '../ops/webgpuKernels';
import { tokenAdvantages, tokenRewards } from './experience';

/** B and R; beyond 256 rows an invocation has several. */
const SIZES = [
  [1, 1],
  [63, 65],
  [64, 63],
  [65, 64],
  [1, 129],
  [257, 1],
  [1025, 3],
  [600, 65],
] as const;

/** One run of ones a row, from the first token on, at least one. What is outside is no number. */
function inputs(rows: number, length: number) {
  const mask = Array.from({ length: rows * length }, (_, i) =>
    Number(i % length <= (7 * Math.floor(i / length) + 3) % length),
  );
  const masked = (seed: number) => {
    const drawn = gaussian([rows, length], seed);
    mask.forEach((real, i) => (drawn.values[i] = real ? (drawn.values[i] as number) : NaN));
    return drawn;
  };
  return {
    logProbs: masked(1),
    refLogProbs: masked(2),
    values: masked(3),
    mask: hostArray([rows, length], mask),
    scores: gaussian([rows], 4),
    finished: hostArray(
      [rows],
      Array.from({ length: rows }, (_, b) => b % 3),
      'int32',
    ),
    klCoef: hostArray([3], [...klCoefValues(0.07)]),
  };
}

const rewardsOf = (t: Record<string, tf.Tensor>): tf.Tensor[] => {
  const { rewards, replies } = tokenRewards(t as Record<string, tf.Tensor> as unknown as ShapedRewardsInputs, 0.3);
  return [rewards, replies];
};

const advantagesOf =
  (whitened: boolean) =>
  (t: Record<string, tf.Tensor>): tf.Tensor[] => {
    const worth = { ...t, rewards: t['scoresOfTokens'] } as unknown as AdvantagesInputs;
    const { advantages, returns } = tokenAdvantages(worth, { gamma: 0.99, lam: 0.95, whitened });
    return [advantages, returns];
  };

describe('experience on WebGPU', () => {
  beforeAll(startBothBackends);

  it.each(SIZES)('rewards agree with those of the host, and so do the sums of replies: [%i, %i]', async (...size) => {
    await expectAgreement(rewardsOf, inputs(...size), 1e-5);
  });

  it.each(SIZES)('advantages and returns agree with those of the host: [%i, %i]', async (rows, length) => {
    const worth = { ...inputs(rows, length), scoresOfTokens: gaussian([rows, length], 5) };
    await expectAgreement(advantagesOf(false), worth, 1e-5);
    // A single token has no variance; whitening makes 0 of it, whichever way it rounds.
    await expectAgreement(advantagesOf(true), worth, 1e-5);
  });

  it('has the same bits each time', async () => {
    const worth = { ...inputs(70, 33), scoresOfTokens: gaussian([70, 33], 5) };
    for (const run of [rewardsOf, advantagesOf(true)]) {
      expect(await results('webgpu', run, worth)).toEqual(await results('webgpu', run, worth));
    }
  });

  it('of a token that is not a number is not a number either', async () => {
    const worth = { ...inputs(3, 9), scoresOfTokens: gaussian([3, 9], 5) };
    worth.scoresOfTokens.values[0] = NaN;
    const [advantages] = await results('webgpu', advantagesOf(true), worth);
    expect(advantages!.values[0]).toBeNaN();
    expect(advantages!.values[9]).toBeNaN();
  });
});
