import { describe, expect, it } from 'vitest';
import { hostExp } from './hostExp';

describe('hostExp', () => {
  it('is exp, to 1e-8 of its value', () => {
    for (let x = -87; x < 88; x += 0.00317) expect(Math.abs(hostExp(x) / Math.exp(x) - 1)).toBeLessThan(1e-8);
    expect(hostExp(0)).toBe(1);
  });

  it('is 0 or Infinity in float32 where exp is', () => {
    expect([-1e30, -200, -104].map(hostExp).map(Math.fround)).toEqual([0, 0, 0]);
    expect([89, 100, 1e30].map(hostExp).map(Math.fround)).toEqual([Infinity, Infinity, Infinity]);
  });
});
