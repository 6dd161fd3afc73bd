import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bradleyTerryRatings, cohenKappa, kendallTau } from './statistics';

describe('kendallTau', () => {
  const scores = fc.uniqueArray(fc.integer({ min: -99, max: 99 }), { minLength: 2, maxLength: 8 });

  it('is 1 for the same order, -1 for the reverse, and symmetric', () =>
    fc.assert(
      fc.property(scores, (a) => {
        const b = a.map((x) => x ** 3 + 5);
        expect(kendallTau(a, b)).toBe(1);
        expect(
          kendallTau(
            a,
            b.map((x) => -x),
          ),
        ).toBe(-1);
        const sorted = a.toSorted((x, y) => x - y);
        expect(kendallTau(a, sorted)).toBe(kendallTau(sorted, a));
      }),
    ));

  it('forgives ties that both make, and does not count a tie against a preference as full agreement', () => {
    expect(kendallTau([1, 2, 2, 3], [1, 2, 2, 3])).toBe(1);
    expect(kendallTau([1, 2, 2], [1, 2, 3])).toBeCloseTo(2 / Math.sqrt(6), 12);
  });

  it('is null where there is no order to agree on', () => {
    expect(kendallTau([1, 1, 1], [1, 2, 3])).toBeNull();
    expect(kendallTau([1], [1])).toBeNull();
    expect(() => kendallTau([1], [1, 2])).toThrow('kendallTau: expected');
  });
});

describe('cohenKappa', () => {
  const labels = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })), { minLength: 3 });

  it('is at most 1, symmetric, and blind to the names of the labels', () =>
    fc.assert(
      fc.property(labels, (pairs) => {
        const [a, b] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
        const kappa = cohenKappa(a, b);
        expect(cohenKappa(b, a)).toBe(kappa);
        expect(
          cohenKappa(
            a.map((x) => 7 - x),
            b.map((y) => 7 - y),
          ),
        ).toBe(kappa);
        if (kappa !== null) expect(kappa).toBeLessThanOrEqual(1);
      }),
    ));

  it('is 1 for full agreement, 0 for chance, negative for worse than chance', () => {
    expect(cohenKappa([0, 1, 2], [0, 1, 2])).toBe(1);
    expect(cohenKappa([0, 0, 1, 1], [0, 1, 0, 1])).toBe(0);
    expect(cohenKappa([0, 1], [1, 0])).toBe(-1);
  });

  it('is null where chance alone agrees always, and without labels', () => {
    expect(cohenKappa([4, 4], [4, 4])).toBeNull();
    expect(cohenKappa([], [])).toBeNull();
  });
});

describe('bradleyTerryRatings', () => {
  it('finds the strengths that the duels were made from', () =>
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1.5, max: 1.5, noNaN: true }), { minLength: 2, maxLength: 5 }), (log) => {
        const mean = log.reduce((sum, s) => sum + s, 0) / log.length;
        const wins = log.map((a) => log.map((b) => 1000 / (1 + Math.exp(b - a))));
        bradleyTerryRatings(wins).forEach((rating, i) => expect(rating).toBeCloseTo(log[i]! - mean, 6));
      }),
    ));

  it('make each expected number of wins the one that was seen', () => {
    const wins = [
      [0, 9, 3],
      [2, 0, 5],
      [8, 1, 0],
    ];
    const ratings = bradleyTerryRatings(wins);
    wins.forEach((row, i) => {
      const seen = row.reduce((sum, won) => sum + won, 0);
      const expected = row.reduce(
        (sum, won, j) => sum + (won + wins[j]![i]!) / (1 + Math.exp(ratings[j]! - ratings[i]!)),
        0,
      );
      expect(expected).toBeCloseTo(seen, 6);
    });
    expect(ratings.reduce((sum, rating) => sum + rating, 0)).toBeCloseTo(0, 10);
  });

  it('refuses duels from which no finite rating follows', () => {
    expect(() =>
      bradleyTerryRatings([
        [0, 3],
        [0, 0],
      ]),
    ).toThrow('chain of wins');
    expect(() =>
      bradleyTerryRatings([
        [0, 1, 1, 1],
        [1, 0, 1, 1],
        [0, 0, 0, 1],
        [0, 0, 1, 0],
      ]),
    ).toThrow('chain of wins');
    expect(() => bradleyTerryRatings([[0]])).toThrow('chain of wins');
  });
});
