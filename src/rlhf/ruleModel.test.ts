import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { disposeGpt } from '../model/gpt';
import { disposeRewardModel, rewardModelFrom } from '../model/rewardHead';
import { tinyGpt } from '../model/tinyGpt';
import { rewardModelOptimiser } from './rewardModel';
import {
  canLearnRule,
  flagged,
  type FlaggedReplies,
  logKeeps,
  ruleAccuracy,
  ruleScorer,
  trainRuleModel,
} from './ruleModel';

const PAD = 1;
const STOP = 0;
const RUDE = 7;

/** A reply breaks the rule where it holds the token RUDE; rankings of two and of three replies. */
const replies = (count: number, first = 0): FlaggedReplies[] =>
  Array.from({ length: count }, (_, i) => {
    const n = first + i;
    const all = Array.from({ length: 2 + (n % 2) }, (_, k) => {
      const words = [2 + ((n + k) % 5), 8 + ((2 * n + k) % 4), 9 + (n % 3)];
      if ((n + k) % 3 === 0) words[(n + k) % 2] = RUDE;
      return [...words, STOP];
    });
    const violations = all.map((reply) => reply.includes(RUDE));
    return { prompt: [2 + (n % 7), 4], replies: all, ranks: all.map((_, k) => k + 1), violations };
  });

describe('the rule model', () => {
  beforeAll(async () => {
    await startDevice('wasm');
  });

  it('learns from flags which replies break the rule, and tells it of replies that it was not trained on', async () => {
    const gpt = tinyGpt(51);
    const before = tf.memory().numTensors;
    const model = rewardModelFrom(gpt, 3);
    const optimiser = rewardModelOptimiser(model);
    const settings = { rankingsPerStep: 4, learningRate: 0.01 };
    const losses: number[] = [];
    for await (const { metrics } of trainRuleModel(model, optimiser, replies(20), settings, 40, PAD, 1))
      losses.push(metrics?.['rule_loss'] as number);
    expect(losses).toHaveLength(40);
    expect(losses.at(-1)).toBeLessThan(0.2);
    const held = await ruleAccuracy(model, replies(12, 100), PAD);
    expect(held.breaches + held.kept).toBe(30);
    expect(held.caught).toBeGreaterThan(0.8);
    expect(held.falseAlarms).toBeLessThan(0.2);
    optimiser.dispose();
    disposeRewardModel(model);
    expect(tf.memory().numTensors).toBe(before);
    disposeGpt(gpt);
  });

  it('starts with the loss of its log-odds, every reply counted once and what fills a batch not at all', async () => {
    const gpt = tinyGpt(51);
    const model = rewardModelFrom(gpt, 3);
    model.weight.assign(tf.zerosLike(model.weight));
    model.likelihood.assign(tf.zerosLike(model.likelihood));
    model.bias.assign(tf.tensor1d([1.5]));
    const optimiser = rewardModelOptimiser(model);
    const chosen = replies(3); // 2, 3 and 2 replies: one row of the batch of 9 is filled twice
    for await (const { metrics } of trainRuleModel(
      model,
      optimiser,
      chosen,
      { rankingsPerStep: 3, learningRate: 0 },
      1,
      PAD,
      1,
    )) {
      const all = chosen.flatMap(({ violations }) => violations);
      const expected = all.reduce((sum, broke) => sum - logKeeps(broke ? -1.5 : 1.5), 0) / all.length;
      expect(metrics?.['rule_loss']).toBeCloseTo(expected, 5);
      expect(metrics?.['rule_accuracy']).toBeCloseTo(all.filter((broke) => !broke).length / all.length, 6);
    }
    optimiser.dispose();
    disposeRewardModel(model);
    disposeGpt(gpt);
  });

  it('charges log P(keeps): never a bonus, about nothing for what surely keeps, without bound for what surely breaks', async () => {
    fc.assert(
      fc.property(fc.double({ min: -50, max: 50, noNaN: true }), (z) => {
        expect(logKeeps(z)).toBeLessThanOrEqual(0);
        expect(Math.exp(logKeeps(z))).toBeCloseTo(1 / (1 + Math.exp(-z)), 9);
        expect(logKeeps(z)).toBeLessThanOrEqual(Math.min(0, z) + 1e-12);
      }),
    );
    const paid = await ruleScorer(() => Promise.resolve(Float32Array.of(0, 30, -30)))({} as never);
    expect([...paid].map((value) => Math.round(1e4 * value) / 1e4)).toEqual([-0.6931, -0, -30]);
  });

  it('takes rankings that were looked through, and needs both a breach and a reply without', () => {
    const [one] = replies(1);
    const { violations: _, ...unlooked } = one as FlaggedReplies;
    expect(flagged([one as FlaggedReplies, unlooked])).toEqual([one]);
    expect(canLearnRule([{ ...(one as FlaggedReplies), violations: [true, true] }])).toBe(false);
    expect(canLearnRule([{ ...(one as FlaggedReplies), violations: [true, false] }])).toBe(true);
    expect(canLearnRule([])).toBe(false);
  });
});
