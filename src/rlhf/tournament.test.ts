import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../errors';
import { startDevice } from '../gpu/device';
import { disposeGpt, type Gpt } from '../model/gpt';
import { tinyGpt } from '../model/tinyGpt';
import { GOLD_WEIGHTS } from '../text/world/gold';
import { type Contender, tournament } from './tournament';
import { TOY, toyWorld } from './toyWorld';

const { tokenizer, world } = toyWorld();
const REQUEST = { prompts: 24, samplesPerPrompt: 2, temperature: 1, maxNewTokens: 5, seed: 3, weights: GOLD_WEIGHTS };

describe('a tournament', () => {
  beforeAll(async () => {
    await startDevice('wasm');
  });

  const contender = (name: string, seed: number): Contender => ({
    name,
    role: 'sft',
    borrow: async (work) => {
      const gpt: Gpt = tinyGpt(seed, TOY);
      try {
        return await work(gpt);
      } finally {
        disposeGpt(gpt);
      }
    },
  });

  it('rates a model and its double alike, wins half over the first, tells how far it is and leaves no tensor', async () => {
    const before = tf.memory().numTensors;
    const told: number[] = [];
    const totals = new Set<number>();
    const models = [contender('first', 1), contender('double', 1), contender('other', 2)];
    const { standings, prompts } = await tournament(models, tokenizer, world, REQUEST, (done, total) => {
      told.push(done);
      totals.add(total);
    });
    expect(standings.map(({ name }) => name)).toEqual(['first', 'double', 'other']);
    expect(standings[0]?.rating).toBeCloseTo(standings[1]?.rating ?? NaN, 6);
    expect(standings[1]?.overFirst.value).toBe(0.5);
    const [, , other] = standings;
    expect(other?.overFirst.value).not.toBeCloseTo(0.5, 3);
    expect(Math.sign((other?.rating ?? NaN) - (standings[0]?.rating ?? NaN))).toBe(
      Math.sign((other?.overFirst.value ?? NaN) - 0.5),
    );
    expect(standings.reduce((sum, { rating }) => sum + rating, 0)).toBeCloseTo(0, 6);
    for (const { rating, low, high } of standings) {
      expect(low).toBeLessThanOrEqual(rating);
      expect(high).toBeGreaterThanOrEqual(rating);
    }
    expect(told.at(-1)).toBe(3 * prompts);
    expect([...totals]).toEqual([3 * prompts]);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('needs two models, and stops when it is told to', async () => {
    await expect(tournament([contender('alone', 1)], tokenizer, world, REQUEST)).rejects.toThrow(InputError);
    const signal = AbortSignal.abort();
    const two = [contender('one', 1), contender('two', 2)];
    await expect(tournament(two, tokenizer, world, { ...REQUEST, signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});
