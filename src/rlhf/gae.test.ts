import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainedVariance, gae } from './gae';

const R = 6;
const finite = fc.double({ min: -3, max: 3, noNaN: true });

/** A batch of responses: rewards and values anywhere, one run of ones a row that may begin late. */
const batches = fc
  .array(
    fc.record({
      start: fc.integer({ min: 0, max: R - 1 }),
      length: fc.integer({ min: 1, max: R }),
      rewards: fc.array(finite, { minLength: R, maxLength: R }),
      values: fc.array(finite, { minLength: R, maxLength: R }),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((rows) => {
    const mask = rows.flatMap(({ start, length }) =>
      Array.from({ length: R }, (_, t) => (t >= start && t < start + length ? 1 : 0)),
    );
    return {
      mask: Float32Array.from(mask),
      rewards: Float32Array.from(rows.flatMap((row) => row.rewards)),
      values: Float32Array.from(rows.flatMap((row) => row.values)),
    };
  });

/** Σ_{u >= t} discount^(u - t) x_u over the response. */
function discountedSums(x: (i: number) => number, mask: Float32Array, discount: number): number[] {
  return Array.from(mask, (real, i) => {
    if (real === 0) return 0;
    let sum = 0;
    for (let j = i, factor = 1; j < mask.length && mask[j] === 1 && (j === i || j % R !== 0); j++) {
      sum += factor * x(j);
      factor *= discount;
    }
    return sum;
  });
}

const closeTo = (actual: Float32Array, expected: ArrayLike<number>): void =>
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));

describe('gae', () => {
  it('is the closed form: TD errors, discounted by gamma lam', () =>
    fc.assert(
      fc.property(batches, fc.double({ min: 0, max: 1, noNaN: true }), ({ rewards, values, mask }, lam) => {
        const gamma = 0.9;
        const next = (i: number): number => ((i + 1) % R !== 0 && mask[i + 1] === 1 ? values[i + 1]! : 0);
        const delta = (i: number): number => rewards[i]! + gamma * next(i) - values[i]!;
        closeTo(gae(rewards, values, mask, R, gamma, lam).advantages, discountedSums(delta, mask, gamma * lam));
      }),
    ));

  it('with lam 1 is what came, less what was expected', () =>
    fc.assert(
      fc.property(batches, ({ rewards, values, mask }) => {
        const { advantages, returns } = gae(rewards, values, mask, R, 1, 1);
        const came = discountedSums((i) => rewards[i]!, mask, 1);
        closeTo(returns, came);
        closeTo(
          advantages,
          came.map((sum, i) => (mask[i] === 1 ? sum - values[i]! : 0)),
        );
      }),
    ));

  it('ignores and zeroes what is outside the response', () =>
    fc.assert(
      fc.property(batches, ({ rewards, values, mask }) => {
        const clean = gae(rewards, values, mask, R, 1, 0.95);
        const noisy = values.map((value, i) => (mask[i] === 1 ? value : 1e6));
        expect(gae(rewards, noisy, mask, R, 1, 0.95)).toEqual(clean);
        mask.forEach((real, i) => real === 0 && expect([clean.advantages[i], clean.returns[i]]).toEqual([0, 0]));
      }),
    ));

  it('counts the score at the last token once: a perfect critic leaves no advantage', () => {
    const { advantages } = gae(
      Float32Array.of(0, 0, 2),
      Float32Array.of(2, 2, 2),
      Float32Array.of(1, 1, 1),
      3,
      1,
      0.95,
    );
    expect(Array.from(advantages)).toEqual([0, 0, 0]);
  });

  it('refuses arrays that do not match', () => {
    expect(() => gae(new Float32Array(4), new Float32Array(4), new Float32Array(2), 2, 1, 1)).toThrow('gae: expected');
    expect(() => gae(new Float32Array(5), new Float32Array(5), new Float32Array(5), 2, 1, 1)).toThrow('B x 2');
  });
});

describe('explainedVariance', () => {
  const mask = Float32Array.of(1, 1, 0, 1);
  const returns = Float32Array.of(1, 2, 9, 6);

  it('is 1 for a perfect value model and 0 for the mean', () => {
    expect(explainedVariance(returns, returns, mask)).toBe(1);
    expect(explainedVariance(returns, Float32Array.of(3, 3, 0, 3), mask)).toBe(0);
  });

  it('is negative for a value model worse than the mean', () => {
    expect(explainedVariance(returns, Float32Array.of(6, 6, 0, -6), mask)).toBeLessThan(-1);
  });

  it('is 0 where there is nothing to explain', () => {
    expect(explainedVariance(Float32Array.of(2, 2), Float32Array.of(1, 2), Float32Array.of(1, 1))).toBe(0);
  });
});
