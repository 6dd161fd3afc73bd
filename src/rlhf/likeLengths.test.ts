import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WORLD_SEED } from '../config';
import { readTokenizer } from '../text/tokenizer';
import { demonstrations } from '../text/world/demonstrations';
import { createWorld } from '../text/world/world';
import { batchesOfLikeLength, blindBatches, type Lengths } from './likeLengths';
import { tokenisedExample } from './sft';

const ofLength = (prompt: number, response: number): Lengths => ({
  prompt: Array.from({ length: prompt }, () => 1),
  response: Array.from({ length: response }, () => 1),
});

const examplesArbitrary = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 40 })).map(([p, r]) => ofLength(p, r)),
  { maxLength: 3000 },
);

/** Numbers in the rectangles of all batches, for one in the rows themselves. */
function paddedShare(examples: readonly Lengths[], batches: readonly (readonly number[])[]): number {
  const longest = (batch: readonly number[], part: keyof Lengths): number =>
    Math.max(...batch.map((i) => (examples[i] as Lengths)[part].length));
  const padded = batches.reduce(
    (sum, batch) => sum + batch.length * (longest(batch, 'prompt') + longest(batch, 'response')),
    0,
  );
  return padded / examples.reduce((sum, { prompt, response }) => sum + prompt.length + response.length, 0);
}

describe('batches of like length', () => {
  it.each([
    ['of like length', batchesOfLikeLength],
    ['drawn blindly', blindBatches],
  ])('hold every example once, and all but one batch are full: %s', (_name, batching) => {
    fc.assert(
      fc.property(
        examplesArbitrary,
        fc.integer({ min: 1, max: 40 }),
        fc.nat(),
        fc.nat({ max: 9 }),
        (examples, size, seed, epoch) => {
          const batches = batching(examples, size, seed, epoch);
          expect(batches.flat().sort((a, b) => a - b)).toEqual([...examples.keys()]);
          expect(batches.filter(({ length }) => length !== size).length).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are the same for a seed and an epoch, and others for others', () => {
    const examples = Array.from({ length: 1000 }, (_, i) => ofLength(1 + (i % 60), 1 + (i % 37)));
    const batches = batchesOfLikeLength(examples, 16, 3, 0);
    expect(batchesOfLikeLength(examples, 16, 3, 0)).toEqual(batches);
    for (const [seed, epoch] of [
      [4, 0],
      [3, 1],
    ] as const) {
      const others = batchesOfLikeLength(examples, 16, seed, epoch).map((batch) => [...batch].sort().join());
      expect(batches.filter((batch) => others.includes([...batch].sort().join())).length).toBeLessThan(3);
    }
  });

  it('leave a quarter of the padding that batches drawn blindly have, of demonstrations of the town', () => {
    const tokenizer = readTokenizer(JSON.parse(readFileSync('public/models/nano/tokenizer.json', 'utf8')));
    const examples = demonstrations(createWorld(WORLD_SEED, { reach: 'core' }), 3000, 1).map(({ prompt, reply }) =>
      tokenisedExample(tokenizer, prompt.messages, reply, 128),
    );
    const [drawn, alike] = [blindBatches, batchesOfLikeLength].map((batching) =>
      paddedShare(examples, batching(examples, 16, 1, 0)),
    );
    expect(drawn).toBeGreaterThan(1.8);
    expect(drawn).toBeLessThan(2);
    expect(alike).toBeGreaterThan(1.1);
    expect(alike).toBeLessThan(1.2);
  });

  it('do not come in the order of their length', () => {
    const examples = Array.from({ length: 3200 }, (_, i) => ofLength(8 * (1 + (i % 8)), 10));
    const longest = batchesOfLikeLength(examples, 16, 1, 0).map((batch) =>
      Math.max(...batch.map((i) => (examples[i] as Lengths).prompt.length)),
    );
    const falls = longest.slice(1).filter((length, i) => length < (longest[i] as number)).length;
    expect(falls / (longest.length - 1)).toBeGreaterThan(0.3);
  });
});
