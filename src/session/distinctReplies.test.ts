import { describe, expect, it } from 'vitest';
import type { Generation } from '../model/generate';
import { MOST_TRIES, sampleDistinct, type Sampled } from './distinctReplies';

/** Rounds of replies, one token each, and what was asked for. */
function rounds(...tokens: number[][]): {
  asked: { count: number; seed: number }[];
  sample: (count: number, seed: number) => AsyncGenerator<Generation>;
} {
  const asked: { count: number; seed: number }[] = [];
  return {
    asked,
    async *sample(count, seed) {
      const round = tokens[asked.length] ?? tokens.at(-1) ?? [];
      asked.push({ count, seed });
      const rows = round.slice(0, count);
      await Promise.resolve();
      yield { responses: rows.map(() => []), logProbs: [], finished: rows.map(() => false) };
      yield { responses: rows.map((token) => [token]), logProbs: [], finished: rows.map(() => true) };
    },
  };
}

const words = (tokenIds: readonly number[]): string => tokenIds.join(' ');

async function last(replies: AsyncIterable<readonly Sampled[]>): Promise<string[]> {
  let sampled: readonly Sampled[] = [];
  for await (sampled of replies);
  expect(sampled.every(({ finished }) => finished)).toBe(true);
  return sampled.map(({ tokenIds }) => words(tokenIds));
}

describe('replies to be ranked', () => {
  it('that differ at once are sampled once', async () => {
    const { sample, asked } = rounds([1, 2, 3, 4]);
    expect(await last(sampleDistinct(sample, words, 4, 7))).toEqual(['1', '2', '3', '4']);
    expect(asked).toEqual([{ count: 4, seed: 7 }]);
  });

  it('that repeat another are sampled again, with seeds that follow from the first, and the others stay', async () => {
    const { sample, asked } = rounds([1, 1, 2, 1], [2, 3], [4]);
    expect(await last(sampleDistinct(sample, words, 4, 7))).toEqual(['1', '4', '2', '3']);
    expect(asked).toEqual([
      { count: 4, seed: 7 },
      { count: 2, seed: 8 },
      { count: 1, seed: 9 },
    ]);
  });

  it('of a model that says one thing only are the same after a bounded number of tries', async () => {
    const { sample, asked } = rounds([5, 5, 5, 5]);
    expect(await last(sampleDistinct(sample, words, 4, 2 ** 32 - 1))).toEqual(['5', '5', '5', '5']);
    expect(asked.map(({ seed }) => seed).slice(0, 3)).toEqual([2 ** 32 - 1, 0, 1]);
    expect(asked.length).toBe(1 + MOST_TRIES);
  });

  it('are sampled once where no tries are granted', async () => {
    const { sample, asked } = rounds([5, 5]);
    expect(await last(sampleDistinct(sample, words, 2, 0, 0))).toEqual(['5', '5']);
    expect(asked.length).toBe(1);
  });

  it('are all there at every look, also while some are written again', async () => {
    const { sample } = rounds([1, 1], [2, 2]);
    const looks: string[][] = [];
    for await (const replies of sampleDistinct(sample, words, 2, 0))
      looks.push(replies.map((one) => words(one.tokenIds)));
    expect(looks).toEqual([
      ['', ''],
      ['1', '1'],
      ['1', ''],
      ['1', '2'],
    ]);
  });
});
