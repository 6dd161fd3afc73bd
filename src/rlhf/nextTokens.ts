/** What each model would say next: the likeliest tokens before anything is sampled. */
import * as tf from '@tensorflow/tfjs-core';
import { padPrompts } from '../model/batch';
import { generateAll } from '../model/generate';
import { hiddenStates, logits, type Gpt } from '../model/gpt';
import type { Message, ModelRole, NextToken } from '../session/protocol';
import type { Tokenizer } from '../text/tokenizer';
import { promptTokens } from './simulatedRankings';

/** The newest of the models that there are finishes the words. */
const NEWEST_FIRST: readonly ModelRole[] = ['policy', 'sft', 'base'];
/** Tokens after which a word is shown as far as it came. */
const LONGEST_WORD = 6;

/**
 * The `count` tokens that any of the models finds likeliest, with the probability that each model gives them. A token
 * is often the mere beginning of a word, so its text is the word as the newest model would finish it.
 */
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
  const chosen = [...highest]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([token]) => token);
  const role = NEWEST_FIRST.find((newest) => models[newest]);
  if (!role) return [];
  const words = await finishedWords(models[role] as Gpt, role, tokenizer, conversation, chosen);
  return chosen.map((token, i) => ({
    text: words[i] as string,
    probability: Object.fromEntries([...distributions].map(([name, distribution]) => [name, distribution[token] ?? 0])),
  }));
}

/** For each token, the word that it begins, finished greedily. */
async function finishedWords(
  gpt: Gpt,
  role: ModelRole,
  tokenizer: Tokenizer,
  conversation: readonly Message[],
  tokens: readonly number[],
): Promise<string[]> {
  const { end, pad } = tokenizer.specials;
  const prompt = promptTokens(tokenizer, conversation, role, gpt.shape.context - LONGEST_WORD - 1);
  const greedy = {
    temperature: 0,
    topK: 0,
    topP: 1,
    maxNewTokens: LONGEST_WORD,
    seed: 0,
    stopToken: end,
    padToken: pad,
  };
  const { responses } = await generateAll(
    gpt,
    tokens.map((token) => [...prompt, token]),
    greedy,
  );
  return tokens.map((token, i) => {
    if (token === end) return '(stop)';
    const text = tokenizer.decode([token, ...(responses[i] as number[])]);
    return /^\s*[\p{L}\p{N}]+/u.exec(text)?.[0] ?? tokenizer.decodeToken(token);
  });
}

/** [V] */
async function nextDistribution(gpt: Gpt, prompt: number[], pad: number): Promise<Float32Array> {
  const { ids, start, promptLength } = padPrompts([prompt], pad);
  const probabilities = tf.tidy(() => {
    const states = hiddenStates(gpt, tf.tensor2d(ids, [1, promptLength], 'int32'), tf.tensor1d(start, 'int32'));
    const last = tf.reshape<tf.Rank.R2>(tf.slice(states, [0, promptLength - 1, 0], [1, 1, gpt.shape.width]), [
      1,
      gpt.shape.width,
    ]);
    return tf.softmax(logits(gpt, last));
  });
  const values = Float32Array.from(await probabilities.data<'float32'>());
  probabilities.dispose();
  return values;
}
