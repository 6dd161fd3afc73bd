import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { disposeGpt, type Gpt, hiddenStates, logits } from '../model/gpt';
import { tinyGpt } from '../model/tinyGpt';
import type { Message } from '../session/protocol';
import { likeliestNextTokens } from './nextTokens';
import { promptTokens } from './simulatedRankings';
import { TOY, toyWorld } from './toyWorld';

const { tokenizer } = toyWorld();
const CONVERSATION: Message[] = [{ role: 'user', text: 'Where is Mira?' }];

/** [V]: what the model gives every token after the conversation. */
function distribution(gpt: Gpt, role: 'base' | 'sft'): number[] {
  return tf.tidy(() => {
    const ids = promptTokens(tokenizer, CONVERSATION, role, TOY.context - 1);
    const states = hiddenStates(gpt, tf.tensor2d([ids], undefined, 'int32'), tf.tensor1d([0], 'int32'));
    const last = tf.reshape<tf.Rank.R2>(tf.slice(states, [0, ids.length - 1, 0], [1, 1, TOY.width]), [1, TOY.width]);
    return tf.softmax(logits(gpt, last)).arraySync()[0] as number[];
  });
}

describe('the likeliest next tokens', () => {
  let [base, sft]: [Gpt | null, Gpt | null] = [null, null];
  beforeAll(async () => {
    await startDevice('cpu');
    [base, sft] = [tinyGpt(111, TOY), tinyGpt(112, TOY)];
  });
  afterAll(() => {
    for (const gpt of [base, sft]) if (gpt) disposeGpt(gpt);
  });

  it('are those that any model finds likeliest, with what each model gives them, and leave no tensor behind', async () => {
    const models = { base: base as Gpt, sft: sft as Gpt };
    const before = tf.memory().numTensors;
    const tokens = await likeliestNextTokens(models, tokenizer, CONVERSATION, 6);
    expect(tf.memory().numTensors).toBe(before);
    const [fromBase, fromSft] = [distribution(models.base, 'base'), distribution(models.sft, 'sft')];
    const highest = fromBase
      .map((probability, token) => ({ token, highest: Math.max(probability, fromSft[token] as number) }))
      .sort((a, b) => b.highest - a.highest)
      .slice(0, 6);
    expect(tokens.length).toBe(6);
    tokens.forEach(({ probability }, i) => {
      const { token } = highest[i] as { token: number };
      expect(probability.base).toBeCloseTo(fromBase[token] as number, 5);
      expect(probability.sft).toBeCloseTo(fromSft[token] as number, 5);
    });
  });

  it('without a model are none', async () => {
    expect(await likeliestNextTokens({}, tokenizer, CONVERSATION, 4)).toEqual([]);
  });

  it('show the end of the reply in words', async () => {
    const sure = sft as Gpt;
    // A hidden state that is always the end token's own direction, many times over.
    const end = tokenizer.specials.end;
    tf.tidy(() => {
      const wte = sure.parameters.get('transformer.wte.weight') as tf.Variable<tf.Rank.R2>;
      const direction = tf.reshape(tf.slice(wte, [end, 0], [1, TOY.width]), [TOY.width]);
      sure.parameters.get('transformer.ln_f.weight')?.assign(tf.zeros([TOY.width]));
      sure.parameters.get('transformer.ln_f.bias')?.assign(tf.mul(direction, 100));
    });
    const [first] = await likeliestNextTokens({ sft: sure }, tokenizer, CONVERSATION, 3);
    expect(first?.text).toBe('(stop)');
    expect(first?.probability.sft).toBeGreaterThan(0.5);
  });
});
