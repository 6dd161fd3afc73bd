import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../errors';
import { startDevice } from '../gpu/device';
import { gaussian } from '../ops/backendAgreement';
import { klCoefValues } from '../ops/shapedRewards';
import { tokenAdvantages, tokenRewards } from './experience';
import { gae } from './gae';
import { penaliseMissingEos, shapedRewards } from './rewards';
import { whiten } from './whiten';

const [ROWS, LENGTH] = [5, 7];
const draw = (seed: number, shape = [ROWS, LENGTH]): Float32Array => Float32Array.from(gaussian(shape, seed).values);
const matrix = (values: Float32Array): tf.Tensor2D => tf.tensor2d(values, [ROWS, LENGTH]);
const MASK = Float32Array.from({ length: ROWS * LENGTH }, (_, i) => Number(i % LENGTH <= i / LENGTH));

describe('klCoefValues', () => {
  it('lose no bit of a coefficient', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (klCoef) => {
        expect(klCoefValues(klCoef).reduce((sum, part) => sum + part, 0)).toBe(klCoef);
      }),
    );
  });
});

describe.each(['cpu', 'wasm'] as const)('experience on %s', (backend) => {
  beforeEach(() => startDevice(backend));

  it('is to the bit what the formulas on the host say, and leaves no tensor behind', () => {
    const [logProbs, refLogProbs, values, scores] = [draw(1), draw(2), draw(3), draw(4, [ROWS])];
    const finished = [true, false, true, true, false];
    const [klCoef, penalty, gamma, lam] = [0.07, 0.3, 0.99, 0.95];
    const penalised = penaliseMissingEos(scores, finished, penalty);
    const shaped = shapedRewards({ logProbs, refLogProbs, responseMask: MASK, scores: penalised }, LENGTH, klCoef);
    const expected = gae(shaped.rewards, values, MASK, LENGTH, gamma, lam);

    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const mask = matrix(MASK);
      const { rewards, replies } = tokenRewards(
        {
          logProbs: matrix(logProbs),
          refLogProbs: matrix(refLogProbs),
          mask,
          scores: tf.tensor1d(scores),
          finished: tf.tensor1d(finished.map(Number), 'int32'),
          klCoef: tf.tensor1d(klCoefValues(klCoef)),
        },
        penalty,
      );
      const worth = { rewards, values: matrix(values), mask };
      const { advantages, returns } = tokenAdvantages(worth, { gamma, lam });
      const raw = tokenAdvantages(worth, { gamma, lam, whitened: false });
      expect(rewards.dataSync()).toEqual(shaped.rewards);
      expect([...replies.dataSync()]).toEqual([...penalised, ...shaped.kl, ...shaped.nonScoreRewards]);
      expect(raw.advantages.dataSync()).toEqual(expected.advantages);
      expect(returns.dataSync()).toEqual(expected.returns);
      expect(advantages.dataSync()).toEqual(whiten(expected.advantages, MASK));
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('of a reply without a token is refused', () => {
    const empty = matrix(new Float32Array(ROWS * LENGTH));
    const each = tf.zeros<tf.Rank.R1>([ROWS]);
    const klCoef = tf.tensor1d(klCoefValues(1));
    const inputs = { logProbs: empty, refLogProbs: empty, mask: empty, scores: each, finished: each, klCoef };
    expect(() => tokenRewards(inputs, 0)).toThrow(InputError);
    tf.dispose([empty, each, klCoef]);
  });
});
