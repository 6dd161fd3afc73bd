import { describe, expect, it } from 'vitest';
import { contest, type Scores } from './contest';
import { duration, Progress } from './progress';
import { stored } from './records';
import { spreadOf } from './seeds';

describe('the spread of seeds', () => {
  it('is their mean, the deviation with n - 1, and both ends', () => {
    expect(spreadOf([0.4, 0.6, 0.8])).toEqual({
      mean: expect.closeTo(0.6, 12),
      sd: expect.closeTo(0.2, 12),
      lowest: 0.4,
      highest: 0.8,
    });
    expect(spreadOf([0.5]).sd).toBe(0);
    expect(() => spreadOf([])).toThrow(RangeError);
  });
});

describe('a contest', () => {
  const ours: Scores = {
    warm: [
      [0.9, 0.5],
      [0.5, 0.5],
      [0.2, 0.8],
    ],
    strict: [
      [0.9, 0.9],
      [0.1, 0.1],
      [0.4, 0.4],
    ],
  };
  const theirs: Scores = {
    warm: [
      [0.6, 0.6],
      [0.5, 0.5],
      [0.1, 0.1],
    ],
    strict: [
      [0.2, 0.2],
      [0.9, 0.9],
      [0.4, 0.4],
    ],
  };

  it('has the mean of what the labelers choose', () => {
    const { byLabeler, mean } = contest(ours, theirs);
    // warm: 2 of 4, a tie of all 4, 4 of 4; strict: 4 of 4, 0 of 4, a tie of all 4
    expect(byLabeler['warm']?.value).toBeCloseTo((0.5 + 0.5 + 1) / 3, 12);
    expect(byLabeler['strict']?.value).toBeCloseTo((1 + 0 + 0.5) / 3, 12);
    expect(mean.value).toBeCloseTo(((byLabeler['warm']?.value ?? 0) + (byLabeler['strict']?.value ?? 0)) / 2, 12);
  });

  it('leaves as much to one side as it takes from the other', () => {
    expect(contest(ours, theirs).mean.value + contest(theirs, ours).mean.value).toBeCloseTo(1, 12);
    expect(contest(ours, ours).mean.value).toBe(0.5);
  });
});

describe('progress', () => {
  it('says now and then how much is done and how long the rest will take', () => {
    let now = 0;
    const said: string[] = [];
    const progress = new Progress(
      10,
      (line) => said.push(line),
      () => now,
    );
    for (let piece = 1; piece <= 10; piece++) {
      now += 2000;
      progress.advance('sums');
    }
    expect(said).toEqual([
      ' 10%  sums  2 s so far, 18 s left',
      ' 40%  sums  8 s so far, 12 s left',
      ' 70%  sums  14 s so far, 6 s left',
      '100%  sums  20 s so far, 0 s left',
    ]);
  });

  it('speaks of minutes and hours where seconds are too many', () => {
    expect([12, 89.6, 600, 9000].map(duration)).toEqual(['12 s', '90 s', '10 min', '2.5 h']);
  });
});

describe('what is stored', () => {
  it('is rounded to six digits, and what is no number is null', () => {
    expect(JSON.parse(stored({ share: 2 / 3, parameters: 1690080, none: NaN, seeds: [0] }))).toEqual({
      share: 0.666667,
      parameters: 1690080,
      none: null,
      seeds: [0],
    });
  });
});
