import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestFirst, bestOfNKlBound, bestOfNWinRateBound } from './bestOfN';

/** Best of n among V equally likely replies without ties in reward: P(best is the v-th) = (v/V)^n - ((v-1)/V)^n. */
function exact(n: number, V: number): { kl: number; winRate: number } {
  let kl = 0;
  let winRate = 0;
  for (let v = 1; v <= V; v++) {
    const p = (v / V) ** n - ((v - 1) / V) ** n;
    if (p > 0) kl += p * Math.log(p * V);
    winRate += (p * (v - 0.5)) / V;
  }
  return { kl, winRate };
}

describe('the best of n', () => {
  it('comes first, the others by their scores, and of equal ones the one that was sampled first', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 16 }), (scores) => {
        const order = bestFirst(scores);
        expect([...order].sort((a, b) => a - b)).toEqual(scores.map((_, place) => place));
        expect(order[0]).toBe(scores.indexOf(Math.max(...scores)));
        for (let i = 1; i < order.length; i++) {
          const [before, after] = [order[i - 1] as number, order[i] as number];
          const fall = (scores[before] as number) - (scores[after] as number);
          expect(fall > 0 || (fall === 0 && before < after)).toBe(true);
        }
      }),
    );
  });
});

describe('the best-of-n bounds', () => {
  it('hold for a small set of replies, and are reached by a large one', () => {
    for (const n of [1, 2, 4, 16, 64]) {
      const [few, many] = [exact(n, 8), exact(n, 100_000)];
      expect(few.kl).toBeLessThanOrEqual(bestOfNKlBound(n) + 1e-12);
      expect(few.winRate).toBeLessThanOrEqual(bestOfNWinRateBound(n) + 1e-12);
      expect(many.kl).toBeCloseTo(bestOfNKlBound(n), 2);
      expect(many.winRate).toBeCloseTo(bestOfNWinRateBound(n), 4);
    }
  });

  it('promise nothing for one sample', () => {
    expect([bestOfNKlBound(1), bestOfNWinRateBound(1)]).toEqual([0, 0.5]);
  });
});
