import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Choice, meanByPrompt, pairedChoices, winRate } from './winRate';

const choice = fc.constantFrom<Choice>(1, 0, -1);
const prompts = fc.array(fc.array(choice, { minLength: 4, maxLength: 4 }), { minLength: 2, maxLength: 30 });

describe('pairedChoices', () => {
  it('hold each sample of ours against each of theirs', () => {
    expect(pairedChoices([1, 2], [0, 1])).toEqual([1, 0, 1, 1]);
    expect(pairedChoices([0.5], [0.7, 0.2, 0.5 + 1e-12])).toEqual([-1, 1, 0]);
    expect(pairedChoices([0.5], [0.7], 0.3)).toEqual([0]);
  });
});

describe('winRate', () => {
  it('of theirs over ours is the complement', () =>
    fc.assert(
      fc.property(prompts, (choices) => {
        const ours = winRate(choices);
        const theirs = winRate(choices.map((own) => own.map((c) => -c as Choice)));
        expect(theirs.value).toBeCloseTo(1 - ours.value, 10);
        expect(theirs.low).toBeCloseTo(1 - ours.high, 10);
        expect(theirs.decided).toBeCloseTo(1 - ours.decided, 10);
        expect([theirs.wins, theirs.ties, theirs.losses]).toEqual([ours.losses, ours.ties, ours.wins]);
      }),
    ));

  it('counts ties half, lies in its interval, and leaves ties out of the decided', () =>
    fc.assert(
      fc.property(prompts, (choices) => {
        const { value, low, high, decided, wins, ties, losses } = winRate(choices);
        expect(wins + ties + losses).toBe(choices.length * 4);
        expect(value).toBeCloseTo((wins + ties / 2) / (wins + ties + losses), 10);
        expect(low).toBeLessThanOrEqual(value);
        expect(high).toBeGreaterThanOrEqual(value);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        if (wins + losses > 0) expect(decided).toBe(wins / (wins + losses));
      }),
    ));

  it('has an interval that covers the truth in about 95 of 100 evaluations, although samples of a prompt are alike', () => {
    let seed = 1;
    const random = (): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed / 2 ** 32;
    };
    const evaluations = 400;
    let covered = 0;
    for (let e = 0; e < evaluations; e++) {
      // All four choices of a prompt are the same: there are 60 observations, not 240.
      const choices = Array.from({ length: 60 }, () => new Array<Choice>(4).fill(random() < 0.6 ? 1 : -1));
      const { low, high } = winRate(choices);
      if (low <= 0.6 && 0.6 <= high) covered++;
    }
    expect(covered / evaluations).toBeGreaterThan(0.91);
    expect(covered / evaluations).toBeLessThan(0.99);
  });

  it('knows nothing from one prompt, and a half where all tied', () => {
    expect(winRate([[1, 1]])).toMatchObject({ value: 1, low: 0, high: 1, decided: 1 });
    expect(winRate([[0], [0]])).toMatchObject({ value: 0.5, low: 0.5, high: 0.5, decided: 0.5 });
    expect(() => winRate([])).toThrow('nothing to take a mean of');
  });
});

describe('meanByPrompt', () => {
  it('with one value a prompt has the usual standard error', () =>
    fc.assert(
      fc.property(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 2, maxLength: 20 }), (values) => {
        const { mean, se } = meanByPrompt(values.map((value) => [value]));
        const n = values.length;
        const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
        expect(mean).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / n, 10);
        expect(se).toBeCloseTo(Math.sqrt(squares / (n - 1) / n), 10);
      }),
    ));

  it('does not grow surer from repeating the same samples', () =>
    fc.assert(
      fc.property(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 2, maxLength: 20 }), (values) => {
        const once = meanByPrompt(values.map((value) => [value]));
        const thrice = meanByPrompt(values.map((value) => [value, value, value]));
        expect(thrice.mean).toBeCloseTo(once.mean, 10);
        expect(thrice.se).toBeCloseTo(once.se, 10);
      }),
    ));
});
