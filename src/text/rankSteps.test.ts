import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stepsBehindBest } from './rankSteps';

const ranksOf = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 7 });

describe('the steps of a ranking', () => {
  it('are counted between distinct ranks, whatever the numbers are', () => {
    expect(stepsBehindBest([1, 1, 3])).toEqual([0, 0, 1]);
    expect(stepsBehindBest([7, 2, 30, 2])).toEqual([1, 0, 2, 0]);
    expect(stepsBehindBest([1])).toEqual([0]);
  });

  it('add up from the best down, each by what it counts', () => {
    expect(stepsBehindBest([3, 1, 4, 1], [2, 1])).toEqual([2, 0, 3, 0]);
    expect(stepsBehindBest([1, 2], [3])).toEqual([0, 3]);
  });

  it('count 1 each where gaps are not one for each step', () => {
    for (const gaps of [[], [2], [2, 2, 2]]) expect(stepsBehindBest([1, 2, 3], gaps)).toEqual([0, 1, 2]);
  });

  it('say of any two replies which is better, as the ranks do', () => {
    fc.assert(
      fc.property(ranksOf, fc.array(fc.integer({ min: 1, max: 2 }), { maxLength: 6 }), (ranks, gaps) => {
        const steps = stepsBehindBest(ranks, gaps);
        for (const i of ranks.keys())
          for (const j of ranks.keys()) expect(Math.sign(steps[i]! - steps[j]!)).toBe(Math.sign(ranks[i]! - ranks[j]!));
      }),
    );
  });
});
