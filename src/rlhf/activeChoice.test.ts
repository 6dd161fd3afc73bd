import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dispute, mostDisputed } from './activeChoice';

const scores = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 3, maxLength: 3 });

describe('a dispute over a ranking', () => {
  it('is 0 where all agree, and at most a quarter, which two who are sure of the opposite reach', () => {
    fc.assert(
      fc.property(fc.array(scores, { minLength: 2, maxLength: 4 }), (members) => {
        const value = dispute(members);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(0.25);
        expect(dispute([members[0]!, members[0]!])).toBe(0);
      }),
    );
    expect(
      dispute([
        [0, 100],
        [100, 0],
      ]),
    ).toBeCloseTo(0.25, 9);
  });

  it('does not change where a member likes all replies of a ranking more', () =>
    fc.assert(
      fc.property(scores, scores, fc.double({ min: -5, max: 5, noNaN: true }), (one, other, shift) => {
        expect(dispute([one, other.map((score) => score + shift)])).toBeCloseTo(dispute([one, other]), 9);
      }),
    ));

  it('decides which rankings are asked for first', () => {
    const members = [Float32Array.of(0, 1, 0, 5, 0, 0), Float32Array.of(0, 1, 5, 0, 0, 0.5)];
    expect(mostDisputed([2, 2, 2], members, 3)).toEqual([1, 2, 0]);
    expect(mostDisputed([2, 2, 2], members, 1)).toEqual([1]);
  });
});
