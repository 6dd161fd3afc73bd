import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drGrpoAdvantages, grpoAdvantages, rlooAdvantages, zeroDeviationFraction } from './groupAdvantages';

const K = 4;
const groups = fc
  .array(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: K, maxLength: K }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((scores) => Float32Array.from(scores.flat()));
const all = [rlooAdvantages, grpoAdvantages, drGrpoAdvantages];

describe('group advantages', () => {
  it('sum to 0 in each group', () =>
    fc.assert(
      fc.property(groups, (scores) => {
        for (const advantages of all) {
          const own = advantages(scores, K);
          for (let g = 0; g < own.length; g += K) {
            expect(own.subarray(g, g + K).reduce((sum, a) => sum + a, 0)).toBeCloseTo(0, 4);
          }
        }
      }),
    ));

  it('do not depend on how easy a prompt is: a bonus to a whole group changes nothing', () =>
    fc.assert(
      fc.property(groups, fc.integer({ min: -8, max: 8 }), (scores, bonus) => {
        for (const advantages of [rlooAdvantages, drGrpoAdvantages]) {
          const own = advantages(scores, K);
          advantages(
            scores.map((s, i) => (i < K ? s + bonus : s)),
            K,
          ).forEach((a, i) => expect(a).toBeCloseTo(own[i]!, 4));
        }
      }),
    ));

  it("RLOO is Dr. GRPO times K / (K - 1), and GRPO's have an unbiased deviation of 1", () =>
    fc.assert(
      fc.property(groups, (scores) => {
        const [rloo, grpo, drGrpo] = [
          rlooAdvantages(scores, K),
          grpoAdvantages(scores, K),
          drGrpoAdvantages(scores, K),
        ];
        drGrpo.forEach((a, i) => expect(rloo[i]).toBeCloseTo((a * K) / (K - 1), 4));
        for (let g = 0; g < scores.length; g += K) {
          const spread = Math.sqrt(drGrpo.subarray(g, g + K).reduce((sum, a) => sum + a * a, 0) / (K - 1));
          const deviation = Math.sqrt(grpo.subarray(g, g + K).reduce((sum, a) => sum + a * a, 0) / (K - 1));
          expect(deviation).toBeCloseTo(spread / (spread + 1e-4), 4);
        }
      }),
    ));

  it('teach nothing where all replies score alike, and that share is counted', () => {
    const scores = Float32Array.of(2, 2, 2, 2, 0, 1, 0, 0);
    for (const advantages of all) expect(Array.from(advantages(scores, K).subarray(0, K))).toEqual([0, 0, 0, 0]);
    expect(zeroDeviationFraction(scores, K)).toBe(0.5);
  });

  it('refuse groups of one and scores that do not fill their groups', () => {
    expect(() => rlooAdvantages(Float32Array.of(1, 2), 1)).toThrow('K >= 2');
    expect(() => grpoAdvantages(Float32Array.of(1, 2, 3), 2)).toThrow('3 scores and K = 2');
  });
});
