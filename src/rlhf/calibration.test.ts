import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalSamples, uniform } from '../ops/counterRandom';
import { calibration } from './calibration';

describe('calibration', () => {
  it('is near perfect where labels are drawn with the chances that the rewards say', () => {
    const rewards = Array.from({ length: 4000 }, (_, g) => [...normalSamples(2, 5, g)]);
    const ranks = rewards.map(([a, b], g) => (uniform(3, g, 0, 0) < 1 / (1 + Math.exp(b! - a!)) ? [1, 2] : [2, 1]));
    const own = calibration(rewards, ranks)!;
    expect(own.error).toBeLessThan(0.03);
    // Ten times as sure, and no more often right.
    const loud = calibration(
      rewards.map((pair) => pair.map((reward) => 10 * reward)),
      ranks,
    )!;
    expect(loud.error).toBeGreaterThan(0.2);
  });

  it('counts every pair that is not a tie once, in bins from a coin toss to certainty', () =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: -9, max: 9, noNaN: true }), fc.integer({ min: 1, max: 3 })), {
          minLength: 2,
          maxLength: 5,
        }),
        (replies) => {
          const ranks = replies.map(([, rank]) => rank);
          const pairs = ranks.flatMap((own, i) => ranks.slice(i + 1).filter((other) => other !== own)).length;
          const found = calibration([replies.map(([reward]) => reward)], [ranks]);
          expect(found === null).toBe(pairs === 0);
          if (!found) return;
          expect(found.bins.reduce((sum, bin) => sum + bin.pairs, 0)).toBe(pairs);
          for (const { sure, right } of found.bins) {
            expect(sure).toBeGreaterThanOrEqual(0.5);
            expect(sure).toBeLessThanOrEqual(1);
            expect(right).toBeGreaterThanOrEqual(0);
            expect(right).toBeLessThanOrEqual(1);
          }
          const sures = found.bins.map(({ sure }) => sure);
          expect([...sures].sort((a, b) => a - b)).toEqual(sures);
        },
      ),
    ));
});
