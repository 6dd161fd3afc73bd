import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliseRewards, penaliseMissingEos, rewardNormalisation, shapedRewards } from './rewards';

const R = 5;
const logProb = fc.double({ min: -8, max: 0, noNaN: true });
const row = fc.record({
  start: fc.integer({ min: 0, max: R - 1 }),
  length: fc.integer({ min: 1, max: R }),
  logProbs: fc.array(logProb, { minLength: R, maxLength: R }),
  refLogProbs: fc.array(logProb, { minLength: R, maxLength: R }),
  score: fc.double({ min: -4, max: 4, noNaN: true }),
});
const episodes = fc.array(row, { minLength: 1, maxLength: 5 }).map((rows) => ({
  logProbs: Float32Array.from(rows.flatMap((r) => r.logProbs)),
  refLogProbs: Float32Array.from(rows.flatMap((r) => r.refLogProbs)),
  responseMask: Float32Array.from(
    rows.flatMap(({ start, length }) => Array.from({ length: R }, (_, t) => Number(t >= start && t < start + length))),
  ),
  scores: Float32Array.from(rows.map((r) => r.score)),
}));
const sum = (values: Float32Array): number => values.reduce((total, value) => total + value, 0);

describe('shapedRewards', () => {
  it('sum to score - klCoef · sequence KL for every response', () =>
    fc.assert(
      fc.property(episodes, fc.double({ min: 0, max: 2, noNaN: true }), (batch, klCoef) => {
        const { rewards, kl, nonScoreRewards } = shapedRewards(batch, R, klCoef);
        batch.scores.forEach((score, b) => {
          const total = sum(rewards.subarray(b * R, (b + 1) * R));
          expect(total).toBeCloseTo(score - klCoef * kl[b]!, 3);
          expect(total).toBeCloseTo(score + nonScoreRewards[b]!, 3);
        });
      }),
    ));

  it('are 0 outside the mask', () =>
    fc.assert(
      fc.property(episodes, (batch) => {
        const { rewards } = shapedRewards(batch, R, 0.3);
        batch.responseMask.forEach((real, i) => real === 0 && expect(rewards[i]).toBe(0));
      }),
    ));

  it('without a price on drift are the score, on the last real token', () =>
    fc.assert(
      fc.property(episodes, (batch) => {
        const { rewards } = shapedRewards(batch, R, 0);
        batch.scores.forEach((score, b) => {
          const last = batch.responseMask.subarray(b * R, (b + 1) * R).lastIndexOf(1);
          rewards
            .subarray(b * R, (b + 1) * R)
            .forEach((r, t) => expect(Math.abs(r)).toBe(t === last ? Math.abs(score) : 0));
        });
      }),
    ));

  it('charge a token that the policy likes more than the reference does', () => {
    const { rewards, kl } = shapedRewards(
      {
        logProbs: Float32Array.of(-1, -1),
        refLogProbs: Float32Array.of(-3, -1),
        responseMask: Float32Array.of(1, 1),
        scores: Float32Array.of(1),
      },
      2,
      0.5,
    );
    expect(Array.from(rewards)).toEqual([-1, 1]);
    expect(Array.from(kl)).toEqual([2]);
  });

  it('refuse a response without a token, and arrays that do not match', () => {
    const two = Float32Array.of(0, 0);
    const batch = { logProbs: two, refLogProbs: two, responseMask: two, scores: Float32Array.of(1) };
    expect(() => shapedRewards(batch, 2, 0.1)).toThrow('Response 0 has no token');
    expect(() => shapedRewards(batch, 3, 0.1)).toThrow('1 x 3');
  });
});

describe('penaliseMissingEos', () => {
  it('takes the penalty off those that never stopped, and off no other', () => {
    expect(Array.from(penaliseMissingEos(Float32Array.of(1, 1, -2), [true, false, false], 1.5))).toEqual([
      1, -0.5, -3.5,
    ]);
  });
});

describe('rewardNormalisation', () => {
  it('gives the samples mean 0 and deviation 1 and keeps their order', () =>
    fc.assert(
      fc.property(fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { maxLength: 30 }), (tail) => {
        const samples = Float32Array.from([1, 2, ...tail]);
        const normalised = normaliseRewards(samples, rewardNormalisation(samples));
        const mean = sum(normalised) / samples.length;
        expect(mean).toBeCloseTo(0, 4);
        expect(normalised.reduce((total, value) => total + (value - mean) ** 2, 0) / samples.length).toBeCloseTo(1, 4);
        expect(normalised[1]!).toBeGreaterThan(normalised[0]!);
      }),
    ));

  it('refuses a reward model that likes everything the same', () => {
    expect(() => rewardNormalisation([2, 2, 2])).toThrow('the same score');
    expect(() => rewardNormalisation([])).toThrow('the same score');
  });
});
