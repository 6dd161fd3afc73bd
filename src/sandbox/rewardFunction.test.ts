import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RewardFunctionError } from '../errors';
import { frameDocument, workerSource } from './frameProgram';
import { checkedRewards } from './rewardFunction';

const faultOf = (answer: unknown, count: number): string => {
  try {
    checkedRewards(answer, count);
    return 'none';
  } catch (error) {
    return (error as RewardFunctionError).fault;
  }
};

describe('what a reward function gives back', () => {
  it('is taken as it is where it is one finite number for each reply', () =>
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true })), (rewards) => {
        expect(checkedRewards(rewards, rewards.length)).toEqual(rewards);
      }),
    ));

  it('is refused otherwise, whatever it is', () =>
    fc.assert(
      fc.property(fc.anything(), fc.integer({ min: 0, max: 5 }), (answer, count) => {
        const fits = Array.isArray(answer) && answer.length === count && answer.every((one) => Number.isFinite(one));
        expect(faultOf(answer, count)).toBe(fits ? 'none' : 'result');
      }),
    ));

  it('is named where it is wrong', () => {
    expect(() => checkedRewards([1, 'two'], 2)).toThrow(
      /expected a finite number for reply 2, got a value of type string/,
    );
    expect(() => checkedRewards([1], 2)).toThrow(/expected 2 numbers, got 1/);
    expect(() => checkedRewards([1, NaN], 2)).toThrow(/got NaN/);
  });
});

describe("the worker's program", () => {
  it("says how many lines stand before a person's own", () => {
    const { source, linesBefore } = workerSource('first();\nsecond();');
    expect(source.split('\n')[linesBefore]).toContain('first();');
    expect(source.split('\n')[linesBefore + 1]).toBe('second();');
  });

  it('is framed by a page that may load and reach nothing', () => {
    const page = frameDocument('abc');
    expect(page).toContain("default-src 'none'");
    expect(page).toContain("connect-src 'none'");
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).toContain('<script nonce="abc">');
  });
});
