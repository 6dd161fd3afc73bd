import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CancelledError } from '../errors';
import { startDevice } from '../gpu/device';
import { disposeGpt, type Gpt } from '../model/gpt';
import { tinyGpt } from '../model/tinyGpt';
import type { Ranking } from '../session/protocol';
import { decodeReply, renderPrompt } from '../text/chatTemplate';
import { gapsByScore, rankReplies, TRAINING_LABELERS } from '../text/world/labeler';
import { conversationKey, worldPrompts } from '../text/world/prompts';
import { sampleResponses } from './rollout';
import { promptTokens, simulateRankings, type SimulatedRankingRequest, tokeniseRanking } from './simulatedRankings';
import { TOY, toyWorld } from './toyWorld';

const { world, tokenizer } = toyWorld();
const REQUEST: SimulatedRankingRequest = {
  count: 23,
  k: 3,
  split: 'heldOut',
  temperature: 1,
  maxNewTokens: 6,
  seed: 4,
};

describe('simulated rankings', () => {
  let gpt: Gpt;
  beforeAll(async () => {
    await startDevice('wasm');
    gpt = tinyGpt(81, TOY);
  });
  afterAll(() => disposeGpt(gpt));

  async function all(changes: Partial<SimulatedRankingRequest> = {}): Promise<Ranking[]> {
    const before = tf.memory().numTensors;
    const rankings: Ranking[] = [];
    for await (const some of simulateRankings(gpt, 'sft', tokenizer, world, { ...REQUEST, ...changes })) {
      rankings.push(...some);
    }
    expect(tf.memory().numTensors).toBe(before);
    return rankings;
  }

  it('are as many as asked for, each of K replies to a prompt of the side asked for, with a name of its own', async () => {
    for (const split of ['train', 'heldOut'] as const) {
      const rankings = await all({ split });
      const talks = new Set(worldPrompts(world)[split].map(({ messages }) => conversationKey(messages)));
      expect(rankings.length).toBe(23);
      expect(new Set(rankings.map(({ id }) => id)).size).toBe(23);
      for (const { conversation, replies, ranks, labeler } of rankings) {
        expect(talks.has(conversationKey(conversation))).toBe(true);
        expect([replies.length, ranks.length, labeler]).toEqual([3, 3, 'simulated']);
      }
    }
  });

  it('rank each reply by what was said to its own prompt', async () => {
    const prompts = worldPrompts(world).heldOut;
    for (const { conversation, replies, ranks } of await all({ maxNewTokens: 3 })) {
      const prompt = prompts.find(({ messages }) => conversationKey(messages) === conversationKey(conversation));
      // Within 3 tokens nothing ends, whichever way it is judged.
      const judged = replies.map((text) => ({ text, finished: false }));
      if (prompt) expect(ranks).toEqual(rankReplies(world, prompt, judged));
    }
  });

  it('say why: the ranks are those of the scores, which follow from the parts and from what the labeler weighs', async () => {
    for (const weights of [TRAINING_LABELERS.balanced, TRAINING_LABELERS.factual]) {
      for (const { ranks, judged } of await all({ maxNewTokens: 3, count: 8, weights })) {
        expect(judged?.weights).toEqual(weights);
        const scores = judged?.scores ?? [];
        expect(scores.map(({ score }) => 1 + scores.filter((other) => other.score > score).length)).toEqual(ranks);
        const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
        for (const { score, parts } of scores) {
          const mean = Object.entries(weights).reduce((sum, [part, weight]) => sum + weight * (parts[part] ?? NaN), 0);
          expect(score).toBeCloseTo(mean / total, 2);
        }
      }
    }
  });

  it('call a step much better exactly where the score falls by a quarter of its range or more', async () => {
    expect(gapsByScore([0.5, 0.9, 0.5, 0.25, 0.1])).toEqual([2, 2, 1]);
    expect(gapsByScore([0.5, 0.7, 0.9])).toBeUndefined();
    for (const { gaps, judged } of await all({ k: 4 })) {
      expect(gaps).toEqual(gapsByScore(judged?.scores.map(({ score }) => score) ?? []));
    }
  });

  it('give each prompt the replies that were said to it', async () => {
    const greedy = { temperature: 0, maxNewTokens: 6, seed: 0 };
    const rankings = await all({ ...greedy, count: 5 });
    const { end: stop, pad } = tokenizer.specials;
    for (const { conversation, replies } of rankings) {
      const prompt = promptTokens(tokenizer, conversation, 'sft', TOY.context - 6);
      const { responses } = await sampleResponses(gpt, [prompt], { stop, pad }, greedy);
      expect(new Set(replies)).toEqual(new Set([decodeReply(tokenizer, responses[0] ?? [])]));
    }
    expect(new Set(rankings.map(({ replies }) => replies[0])).size).toBeGreaterThan(1); // or the test shows nothing
  });

  it('are the same for the same seed and others for another', async () => {
    expect(await all()).toEqual(await all());
    expect((await all({ seed: 5 })).map(({ replies }) => replies)).not.toEqual(
      (await all()).map(({ replies }) => replies),
    );
  });

  it('stop when they are told to', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(all({ signal: controller.signal })).rejects.toThrow(CancelledError);
  });
});

describe('a ranking in tokens', () => {
  const ranking = (prompt: string, replies: string[]): Ranking => ({
    id: 'r',
    conversation: [{ role: 'user', text: prompt }],
    replies,
    ranks: replies.map((_, i) => i + 1),
    labeler: 'person',
  });

  it('holds the prompt as the chat shows it and each reply with its stop token, in the same order', () => {
    const { prompt, replies, ranks } = tokeniseRanking(tokenizer, ranking('Where is Mira?', ['At home.', 'No.']), 96);
    const chat = [{ role: 'user' as const, text: 'Where is Mira?' }];
    expect(prompt).toEqual(renderPrompt(tokenizer, chat, { template: 'chat', maxTokens: 48 }).ids);
    expect(replies.map((reply) => [tokenizer.decode(reply).trim(), reply.at(-1)])).toEqual([
      ['At home.', tokenizer.specials.end],
      ['No.', tokenizer.specials.end],
    ]);
    expect(ranks).toEqual([1, 2]);
  });

  it('fits the context however long its parts are, beside any other ranking', () => {
    const long = 'a very long text indeed '.repeat(30);
    const parts = [ranking(long, ['short']), ranking('short', [long, 'x']), ranking(long, [long])].map((one) =>
      tokeniseRanking(tokenizer, one, 96),
    );
    const longest = Math.max(...parts.map(({ prompt }) => prompt.length));
    const longestReply = Math.max(...parts.flatMap(({ replies }) => replies.map(({ length }) => length)));
    expect(longest + longestReply).toBeLessThanOrEqual(96);
    expect(longestReply).toBe(48);
  });

  it('asks the base model in other words than the chat', () => {
    const conversation = [{ role: 'user' as const, text: 'Hello' }];
    const [base, sft] = (['base', 'sft'] as const).map((role) => promptTokens(tokenizer, conversation, role, 90));
    expect(base).not.toContain(tokenizer.specials.user);
    expect(sft?.[0]).toBe(tokenizer.specials.user);
  });
});
