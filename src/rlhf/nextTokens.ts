/** What each model would say next: the likeliest tokens before anything is sampled. */
import * as tf from '@tensorflow/tfjs-core';
import { hiddenStates, logits, type Gpt } from '../model/gpt';
import { padPrompts } from '../model/batch';
import { promptTokens } from './simulatedRankings';
import type { Tokenizer } from '../text/tokenizer';
import type { Message, ModelRole, NextToken } from '../session/protocol';

/** The `count` tokens that any of the models finds likeliest, with the probability that each model gives them. */
export async function likeliestNextTokens(
  models: Partial<Record<ModelRole, Gpt>>,
  tokenizer: Tokenizer,
  conversation: readonly Message[],
  count: number,
): Promise<NextToken[]> {
  const distributions = new Map<ModelRole, Float32Array>();
  for (const [role, gpt] of Object.entries(models) as [ModelRole, Gpt][]) {
    const prompt = promptTokens(tokenizer, conversation, role, gpt.shape.context - 1);
    distributions.set(role, await nextDistribution(gpt, prompt, tokenizer.specials.pad));
  }
  const highest = new Map<number, number>();
  for (const distribution of distributions.values()) {
    distribution.forEach((probability, token) => {
      highest.set(token, Math.max(probability, highest.get(token) ?? 0));
    });
  }
  const chosen = [...highest].sort(([, a], [, b]) => b - a).slice(0, count);
  return chosen.map(([token]) => ({
    text: token === tokenizer.specials.end ? '(stop)' : tokenizer.decodeToken(token),
    probability: Object.fromEntries([...distributions].map(([role, distribution]) => [role, distribution[token] ?? 0])),
  }));
}

/** [V] */
async function nextDistribution(gpt: Gpt, prompt: number[], pad: number): Promise<Float32Array> {
  const { ids, start, promptLength } = padPrompts([prompt], pad);
  const probabilities = tf.tidy(() => {
    const states = hiddenStates(gpt, tf.tensor2d(ids, [1, promptLength], 'int32'), tf.tensor1d(start, 'int32'));
    const last = tf.reshape<tf.Rank.R2>(tf.slice(states, [0, promptLength - 1, 0], [1, 1, gpt.shape.width]), [1, gpt.shape.width]);
    return tf.softmax(logits(gpt, last));
  });
  const values = Float32Array.from(await probabilities.data<'float32'>());
  probabilities.dispose();
  return values;
}
