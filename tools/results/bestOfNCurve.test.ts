import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestOfNKlBound } from '../../src/rlhf/bestOfN';
import { expectedBest, poolKl, poolWinRateBound, standings } from './bestOfNCurve';

/** All ways to choose n of m places. */
function subsets(m: number, n: number): number[][] {
  if (n === 0) return [[]];
  return Array.from({ length: m }, (_, last) => last).flatMap((last) =>
    subsets(last, n - 1).map((rest) => [...rest, last]),
  );
}

const pool = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 9 })), {
  minLength: 1,
  maxLength: 7,
});

describe('the best of n from a pool', () => {
  it('is worth the mean over all draws of n, equal scores sharing', () =>
    fc.assert(
      fc.property(pool, fc.nat(), (replies, pick) => {
        const n = 1 + (pick % replies.length);
        const [scores, values] = [replies.map(([score]) => score), replies.map(([, value]) => value)];
        const draws = subsets(replies.length, n).map((own) => {
          const best = Math.max(...own.map((i) => scores[i]!));
          return best;
        });
        // By score alone: every reply of a score is worth the mean of them.
        const worth = (score: number): number => {
          const own = values.filter((_, i) => scores[i] === score);
          return own.reduce((sum, value) => sum + value, 0) / own.length;
        };
        const byHand = draws.reduce((sum, score) => sum + worth(score), 0) / draws.length;
        expect(expectedBest(scores, values, n)).toBeCloseTo(byHand, 9);
      }),
    ));

  it('never lies further from the policy than the bound says, and as far where no two replies are alike, in the limit', () => {
    fc.assert(
      fc.property(pool, fc.integer({ min: 1, max: 64 }), (replies, n) => {
        const scores = replies.map(([score]) => score);
        const kl = poolKl(
          replies.map(([score, value]) => `${score} ${value}`),
          scores,
          n,
        );
        expect(kl).toBeGreaterThanOrEqual(-1e-12);
        expect(kl).toBeLessThanOrEqual(bestOfNKlBound(n) + 1e-9);
      }),
    );
    const many = Array.from({ length: 4000 }, (_, i) => i);
    expect(poolKl(many.map(String), many, 8)).toBeCloseTo(bestOfNKlBound(8), 2);
    expect(poolKl(['a', 'a'], [1, 1], 8)).toBe(0);
  });

  it('never wins more than the bound for its pool says, and as much where no two scores are alike', () =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 }), fc.nat(), (scores, pick) => {
        const m = scores.length;
        const n = 1 + (pick % m);
        const won = expectedBest(scores, standings(scores), n);
        expect(won).toBeLessThanOrEqual(poolWinRateBound(n, m) + 1e-9);
        const unlike = scores.map((_, i) => i);
        expect(expectedBest(unlike, standings(unlike), n)).toBeCloseTo(poolWinRateBound(n, m), 9);
        expect(poolWinRateBound(n, 1e9)).toBeCloseTo(n / (n + 1), 6);
      }),
    ));

  it('needs as many replies as it takes', () => {
    expect(() => expectedBest([1], [1], 2)).toThrow(RangeError);
  });
});
