import { expect, it } from 'vitest';
import type { Ranking } from '../../src/session/protocol';
import { makeupOf } from './makeup';

const ranking = (scores: number[], ranks: number[], replies: string[]): Ranking => ({
  ...{ id: 'r', conversation: [{ role: 'user', text: 'Hello?' }], replies, ranks, labeler: 'simulated' },
  judged: { weights: {}, scores: scores.map((score) => ({ score, parts: {} })) },
});

it('counts every pair of a ranking once, ties as ties, and every reply', () => {
  const makeup = makeupOf([
    ranking([1, 0.5, 0.5], [1, 2, 2], ['a b c', 'a', '']),
    ranking([0, 0.25], [2, 1], ['one  two', ' three ']),
  ]);
  // Gaps: 0.5, 0.5, 0 and 0.25; one of four pairs is a tie; 3 + 1 + 0 + 2 + 1 words.
  expect(makeup).toEqual({ goldGap: 1.25 / 4, tied: 0.25, gold: 2.25 / 5, words: 7 / 5 });
});

it('is not told of rankings whose scores nobody knows', () => {
  const { judged: _, ...bare } = ranking([1, 0], [1, 2], ['a', 'b']);
  expect(makeupOf([ranking([1, 0], [1, 2], ['a', 'b']), bare])).toBeNull();
});
