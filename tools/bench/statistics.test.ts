import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fittedExponent, median } from './statistics';

describe('median', () => {
  it('is the middle of an odd number of values, in any order', () => {
    expect(median([30, 1, 2])).toBe(2);
  });

  it('is the mean of the two middle ones of an even number', () => {
    expect(median([4, 1, 100, 2])).toBe(3);
  });

  it('of nothing is not a number', () => {
    expect(median([])).toBeNaN();
  });

  it('has as many values at or below it as at or above it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const middle = median(values);
        expect(values.filter((value) => value <= middle).length * 2).toBeGreaterThanOrEqual(values.length);
        expect(values.filter((value) => value >= middle).length * 2).toBeGreaterThanOrEqual(values.length);
      }),
    );
  });
});

describe('fittedExponent', () => {
  it('finds the power of a power law', () => {
    fc.assert(
      fc.property(fc.double({ min: -3, max: 3, noNaN: true }), (power) => {
        const points = [64, 128, 256, 512].map((x) => ({ x, y: 3 * x ** power }));
        expect(fittedExponent(points)).toBeCloseTo(power, 6);
      }),
    );
  });
});
