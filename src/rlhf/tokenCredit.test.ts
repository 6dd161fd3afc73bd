import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { disposeGpt } from '../model/gpt';
import { disposeRewardModel, rewardModelFrom, type RewardModel } from '../model/rewardHead';
import { tinyGpt } from '../model/tinyGpt';
import { scoreReplies } from './rewardModel';
import { creditedWords, tokenCredits } from './tokenCredit';
import { TOY, toyWorld } from './toyWorld';

const { tokenizer } = toyWorld();
const { end, pad } = tokenizer.specials;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('credit of tokens', () => {
  beforeAll(async () => {
    await startDevice('wasm');
  });

  it('sums to the score of each reply, whatever its length, and for several reward models to the mean of theirs', async () => {
    const gpt = tinyGpt(7, TOY);
    const members: RewardModel[] = [rewardModelFrom(gpt, 1), rewardModelFrom(gpt, 2)];
    disposeGpt(gpt);
    for (const { bias } of members) bias.assign(tf.tensor1d([0.7]));
    const before = tf.memory().numTensors;
    const prompts = [[5, 6], [5, 6], [9]];
    const replies = [[7, 8, 9, end], [end], [3, 3, 3, 3, 3, 3, 3]];
    for (const chosen of [members.slice(0, 1), members]) {
      const credits = await tokenCredits(chosen, prompts, replies, pad);
      expect(credits.map(({ length }) => length)).toEqual(replies.map(({ length }) => length));
      const scores: Float32Array[] = [];
      for (const member of chosen) scores.push(await scoreReplies(member, prompts, replies, pad));
      credits.forEach((own, b) => expect(sum(own)).toBeCloseTo(sum(scores.map((all) => all[b]!)) / chosen.length, 4));
      expect(new Set(credits[2]).size).toBeGreaterThan(1);
    }
    expect(tf.memory().numTensors).toBe(before);
    members.forEach(disposeRewardModel);
  });

  it('is told by whole words that make up the reply, with nothing of the sum lost', () =>
    fc.assert(
      fc.property(
        fc.oneof(
          fc.constantFrom('Bo lives in the mill.', '3 + 4 is 7. No!', '面包 好', 'é'),
          fc.string({ unit: 'grapheme' }),
        ),
        fc.boolean(),
        (text, stopped) => {
          const tokens = [...tokenizer.encode(text), ...(stopped ? [end] : [])];
          const credits = tokens.map((_, t) => Math.sin(t + 1));
          const pieces = creditedWords(tokenizer, tokens, credits);
          expect(pieces.map((piece) => piece.text).join('')).toBe(tokenizer.decode(tokenizer.encode(text)));
          expect(sum(pieces.map(({ credit }) => credit))).toBeCloseTo(sum(credits), 9);
          for (const { text: words } of pieces) expect(words.trim()).not.toMatch(/\p{L}\s+\p{L}/u);
        },
      ),
    ));
});
