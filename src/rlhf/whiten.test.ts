import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { whiten } from './whiten';

/** Values that differ enough for epsilon not to show, with a mask that holds at least two of them. */
const masked = fc
  .array(fc.tuple(fc.double({ min: -9, max: 9, noNaN: true }), fc.boolean()), { minLength: 2, maxLength: 40 })
  .map((pairs) => ({
    values: Float32Array.from([3, 7, ...pairs.map(([value]) => value)]),
    mask: Float32Array.from([1, 1, ...pairs.map(([, real]) => (real ? 1 : 0))]),
  }));

function moments(values: Float32Array, mask: Float32Array): { n: number; mean: number; variance: number } {
  const real = Array.from(values).filter((_, i) => mask[i] === 1);
  const mean = real.reduce((sum, value) => sum + value, 0) / real.length;
  return { n: real.length, mean, variance: real.reduce((sum, value) => sum + (value - mean) ** 2, 0) / real.length };
}

describe('whiten', () => {
  it('gives the masked values mean 0 and variance 1, and the rest 0', () =>
    fc.assert(
      fc.property(masked, ({ values, mask }) => {
        const whitened = whiten(values, mask);
        const { mean, variance } = moments(whitened, mask);
        expect(mean).toBeCloseTo(0, 5);
        expect(variance).toBeCloseTo(1, 5);
        mask.forEach((real, i) => real === 0 && expect(whitened[i]).toBe(0));
      }),
    ));

  it('keeps the mean of rewards', () =>
    fc.assert(
      fc.property(masked, ({ values, mask }) => {
        const { mean, variance } = moments(whiten(values, mask, { shiftMean: false, unbiased: false }), mask);
        expect(mean).toBeCloseTo(moments(values, mask).mean, 4);
        expect(variance).toBeCloseTo(1, 5);
      }),
    ));

  it('divides by n - 1 when unbiased', () =>
    fc.assert(
      fc.property(masked, ({ values, mask }) => {
        const { n, variance } = moments(whiten(values, mask, { shiftMean: true, unbiased: true }), mask);
        expect(variance * n).toBeCloseTo(n - 1, 3);
      }),
    ));

  it('turns equal values into 0, not into NaN', () => {
    expect(Array.from(whiten(Float32Array.of(2, 2, 5), Float32Array.of(1, 1, 0)))).toEqual([0, 0, 0]);
  });

  it('refuses a batch too small for a variance, and a mask that does not match', () => {
    expect(() => whiten(Float32Array.of(1), Float32Array.of(0))).toThrow('at least 1 real');
    expect(() => whiten(Float32Array.of(1), Float32Array.of(1), { shiftMean: true, unbiased: true })).toThrow(
      'at least 2',
    );
    expect(() => whiten(Float32Array.of(1, 2), Float32Array.of(1))).toThrow('whiten: expected');
  });
});
