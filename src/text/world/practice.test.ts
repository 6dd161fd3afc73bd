import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WORLD_SEED } from '../../config';
import { demonstrations } from './demonstrations';
import { pretrainingDocuments } from './documents';
import { SMALLEST_LARGE_TOTAL, anyExercise, exercise, largeSum } from './practice';
import { promptsOn } from './prompts';
import { Random } from './random';
import { bareName } from './spoken';
import { pairOf, stepsOf } from './tasks/sums';
import { createWorld } from './world';

const world = createWorld(WORLD_SEED, { reach: 'town' });
const { names, sums } = world.language;
const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const keptPairs = new Set(
  promptsOn(world, 'combination', 'town').flatMap(({ expect }) => (expect.task === 'add' ? [pairOf(expect)] : [])),
);

describe('practised sums', () => {
  it('are over twenty, and every step of them is true and ends at the total', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { a, b, total } = largeSum(world, new Random(seed));
        expect(a + b).toBe(total);
        expect(total).toBeGreaterThanOrEqual(SMALLEST_LARGE_TOTAL);
        expect(total).toBeLessThan(100);
        const working = stepsOf(sums, { a, b, total });
        const equations = [...working.matchAll(/(\d+) \+ (\d+) is (\d+)/g)].map((found) => found.slice(1).map(Number));
        expect(equations.length, working).toBeGreaterThan(0);
        for (const [x = 0, y = 0, z] of equations) expect(x + y, working).toBe(z);
        for (const [, whole, x, y] of working.matchAll(/(?:^|\. )(\d+) is (\d+) and (\d+)/g))
          expect(Number(x) + Number(y), working).toBe(Number(whole));
        expect(equations.at(-1)?.[2], working).toBe(total);
      }),
      { numRuns: 500 },
    );
  });

  it('add and take apart no pair that is held out, in no step', () => {
    expect(keptPairs.size).toBeGreaterThan(10);
    const random = new Random(1);
    for (let i = 0; i < 3000; i++) {
      const sum = largeSum(world, random);
      const working = stepsOf(sums, sum);
      for (const [, x, y] of working.matchAll(/(\d+)(?= (?:\+|and) (\d+))/g))
        expect(keptPairs.has(pairOf({ a: Number(x), b: Number(y) })), working).toBe(false);
    }
  });

  it('are too many to be learnt by heart', () => {
    const random = new Random(2);
    const drawn = new Set(Array.from({ length: 20_000 }, () => pairOf(largeSum(world, random))));
    expect(drawn.size).toBeGreaterThan(1500);
  });
});

describe('names of newcomers', () => {
  it("are nobody's, and no word of the town", () => {
    const taken = new Set([...world.subjects, ...world.strangers].map(({ name }) => bareName(name).toLowerCase()));
    for (const visitor of names.visitors) taken.add(visitor.toLowerCase());
    const documents = pretrainingDocuments(createWorld(WORLD_SEED, { reach: 'core' }), 3);
    for (let i = 0; i < 4000; i++)
      for (const word of documents.next().value.match(/\p{L}+/gu) ?? []) taken.add(word.toLowerCase());
    expect(new Set(names.newcomers).size).toBe(names.newcomers.length);
    expect(names.newcomers.filter((name) => taken.has(name.toLowerCase()))).toEqual([]);
  });

  it('are never those that are held out, and the name is asked for in the words of the training side', () => {
    const trained = new Set(promptsOn(world, 'train', 'town').map(({ topic }) => topic));
    const heldOut = names.visitors.filter((name) => !trained.has(`memory/name/${name}`));
    const wordings = new Set(
      promptsOn(world, 'phrasing', 'town')
        .filter(({ kind }) => kind === 'memory')
        .map(({ text }) => text),
    );
    expect(heldOut.length).toBeGreaterThan(0);
    const random = new Random(4);
    for (let i = 0; i < 2000; i++) {
      const talk = exercise(world, 'memory', random);
      expect(talk?.side).toBe('train');
      expect(wordings.has(talk?.text ?? '')).toBe(false);
      for (const { text } of talk?.messages ?? [])
        expect(text.match(/\p{L}+/gu)?.filter((word) => heldOut.includes(word)) ?? []).toEqual([]);
    }
  });
});

describe('exercises', () => {
  it('are a fifth of the demonstrations of the town, and none of the core', () => {
    const known = new Set(promptsOn(world, 'train', 'town').map(({ topic }) => topic));
    const share = (reach: 'core' | 'town'): number => {
      const shown = demonstrations(world, 4000, 1, { reach });
      return shown.filter(({ prompt }) => !known.has(prompt.topic)).length / shown.length;
    };
    expect(share('core')).toBe(0);
    expect(share('town')).toBeCloseTo(0.2, 1);
  });

  it('are the same for the same seed, and none where the language has none', () => {
    expect(anyExercise(world, new Random(9))?.id).toBe(anyExercise(world, new Random(9))?.id);
    expect(exercise(world, 'fact', new Random(1))).toBeUndefined();
  });
});
