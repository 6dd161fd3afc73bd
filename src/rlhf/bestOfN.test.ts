import { describe, expect, it } from 'vitest';
import { bestOfNKlBound, bestOfNWinRateBound } from './bestOfN';

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
