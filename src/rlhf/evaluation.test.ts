import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CancelledError, InputError } from '../errors';
import { startDevice } from '../gpu/device';
import { cloneGpt, disposeGpt, type Gpt } from '../model/gpt';
import { disposeRewardModel, rewardModelFrom, type RewardModel } from '../model/rewardHead';
import { tinyGpt } from '../model/tinyGpt';
import type { EvaluationReport, ReplyMeasures, Share } from '../session/protocol';
import { evaluate, type EvaluationModels, type EvaluationProgress, type EvaluationRequest } from './evaluation';
import { TOY, toyWorld } from './toyWorld';

const { world, tokenizer } = toyWorld();
const REQUEST: EvaluationRequest = { prompts: 34, samplesPerPrompt: 2, temperature: 1, maxNewTokens: 5, seed: 2 };

describe('an evaluation', () => {
  const made: Gpt[] = [];
  let rewardModel: RewardModel | null = null;
  const make = (gpt: Gpt): Gpt => {
    made.push(gpt);
    return gpt;
  };
  beforeAll(async () => {
    await startDevice('wasm');
  });
  afterEach(() => {
    for (const gpt of made.splice(0)) disposeGpt(gpt);
    if (rewardModel) disposeRewardModel(rewardModel);
    rewardModel = null;
  });

  async function all(
    models: EvaluationModels['models'],
    changes: Partial<EvaluationRequest> = {},
  ): Promise<EvaluationProgress[]> {
    const before = tf.memory().numTensors;
    const progress: EvaluationProgress[] = [];
    for await (const one of evaluate(
      { models, rewardModels: rewardModel ? [rewardModel] : [], tokenizer, world },
      { ...REQUEST, ...changes },
    ))
      progress.push(one);
    expect(tf.memory().numTensors).toBe(before);
    return progress;
  }
  const reportOf = async (...args: Parameters<typeof all>): Promise<EvaluationReport> =>
    (await all(...args)).at(-1)?.report as EvaluationReport;

  it('of a policy that is its reference finds no difference: half the wins and no drift', async () => {
    const sft = make(tinyGpt(91, TOY));
    const report = await reportOf({ base: make(tinyGpt(92, TOY)), sft, policy: make(cloneGpt(sft)) });
    expect(report.winRateVsSft).toMatchObject({ value: 0.5 });
    expect(report.winRateVsSft?.wins).toBe(report.winRateVsSft?.losses);
    expect(report.kl).toBeCloseTo(0, 5);
    expect(report.gold.policy).toEqual(report.gold.sft);
    expect(report.perplexity.policy).toBeCloseTo(report.perplexity.sft as number, 5);
    expect(report.rightByKind.policy).toEqual(report.rightByKind.sft);
  });

  it('of two models measures their drift and both ways of winning, on all the prompts it was asked for', async () => {
    const [base, sft, policy] = [93, 94, 95].map((seed) => make(tinyGpt(seed, TOY))) as [Gpt, Gpt, Gpt];
    rewardModel = rewardModelFrom(sft, 1);
    const report = await reportOf({ base, sft, policy });
    expect([report.prompts, report.samplesPerPrompt, report.temperature]).toEqual([34, 2, 1]);
    for (const role of ['base', 'sft', 'policy'] as const) {
      const gold = report.gold[role];
      expect(gold?.mean).toBeGreaterThanOrEqual(0);
      expect(gold?.mean).toBeLessThanOrEqual(1);
      // Random models are no better than even odds.
      expect(report.perplexity[role]).toBeGreaterThan(TOY.vocabulary / 2);
      expect(Number.isFinite(report.proxy[role])).toBe(true);
      for (const share of Object.values(report.rightByKind[role] ?? {})) expect(share >= 0 && share <= 1).toBe(true);
    }
    expect(report.kl).toBeGreaterThan(0.1);
    for (const rate of [report.winRateVsSft, report.winRateVsBase]) {
      expect((rate?.wins ?? 0) + (rate?.ties ?? 0) + (rate?.losses ?? 0)).toBe(34 * 2 * 2);
    }
  });

  it('says of each side and kind how many are right, and agrees with itself', async () => {
    const report = await reportOf({ base: make(tinyGpt(102, TOY)), sft: make(tinyGpt(103, TOY)) });
    for (const role of ['base', 'sft'] as const) {
      const { right, refusals, overRefusals } = report.measures[role] as ReplyMeasures;
      const asked = Object.values(right.all).reduce((sum, { of }) => sum + of, 0);
      expect(asked).toBe(34 * 2);
      for (const [kind, share] of Object.entries(report.rightByKind[role] ?? {}))
        expect(share).toBe((right.all[kind] as Share).hits / (right.all[kind] as Share).of);
      expect(refusals.of).toBe(right.all['improper']?.of ?? 0);
      expect(overRefusals.of).toBe(right.all['proper']?.of ?? 0);
    }
    expect(report.winRateSftVsBase?.wins).toBeTypeOf('number');
    expect([report.split, report.labeler]).toEqual(['heldOut', 'balanced']);
  });

  it('takes one sample where it is greedy, one side and one labeler where it is told to', async () => {
    const sft = make(tinyGpt(104, TOY));
    const changes = { prompts: { perKind: 6 }, temperature: 0, split: 'unasked', labeler: 'brisk' } as const;
    const report = await reportOf({ sft }, changes);
    expect([report.prompts, report.samplesPerPrompt, report.labeler]).toEqual([6, 1, 'brisk']);
    expect(report.measures.sft?.right.all).toEqual({ fact: { hits: 0, of: 6 } });
    expect(report.measures.sft?.right.unasked).toEqual(report.measures.sft?.right.all);
    await expect(all({ sft }, { labeler: 'nobody' })).rejects.toThrow(InputError);
  });

  it('takes best of n for a contestant, which by the reward model and against SFT comes off as choosing can', async () => {
    const sft = make(tinyGpt(105, TOY));
    rewardModel = rewardModelFrom(sft, 1);
    const models = { sft, policy: make(cloneGpt(sft)) };
    const [without, report] = [await reportOf(models), await reportOf(models, { bestOf: 8 })];
    const { bestOfN } = report;
    expect(bestOfN?.n).toBe(8);
    expect(bestOfN?.klBound).toBeCloseTo(Math.log(8) - 7 / 8, 12);
    // The best of eight lies over a mean of two by 1.4 deviations; by chance never by none.
    expect(report.proxy.bestOfN).toBeGreaterThan((report.proxy.sft as number) + 0.01);
    for (const rate of [bestOfN?.winRateVsSft, bestOfN?.winRateOfPolicy])
      expect((rate?.wins ?? 0) + (rate?.ties ?? 0) + (rate?.losses ?? 0)).toBe(34 * 2 * 2);
    expect(bestOfN?.winRateOfPolicy?.wins).toBe(bestOfN?.winRateVsSft?.losses);
    expect(report.perplexity).not.toHaveProperty('bestOfN');
    // The models are measured as they are without it.
    expect(without).not.toHaveProperty('bestOfN');
    for (const role of ['sft', 'policy'] as const) expect(report.measures[role]).toEqual(without.measures[role]);
  });

  it('chooses the best of n among samples, also where the models give their likeliest reply', async () => {
    const sft = make(tinyGpt(106, TOY));
    rewardModel = rewardModelFrom(sft, 1);
    const greedy = await reportOf({ sft }, { prompts: { perKind: 4 }, temperature: 0, bestOf: 2 });
    expect(greedy.samplesPerPrompt).toBe(1);
    const { sft: own, bestOfN } = greedy.measures;
    expect(bestOfN?.distinct2).not.toBe(own?.distinct2);
  });

  it('draws what it chooses from anew, and not the very replies that SFT is measured by', async () => {
    const sft = make(tinyGpt(109, TOY));
    rewardModel = rewardModelFrom(sft, 1);
    const { gold, measures } = await reportOf({ sft }, { bestOf: 1 });
    expect(measures.bestOfN).not.toEqual(measures.sft);
    // Of one there is no choice: both are samples of the same model.
    const [own, chosen] = [gold.sft, gold.bestOfN] as { mean: number; se: number }[];
    expect(Math.abs((own?.mean ?? 0) - (chosen?.mean ?? 1))).toBeLessThan(0.1);
  });

  it('takes best of n for as much work as n models', async () => {
    const sft = make(tinyGpt(107, TOY));
    rewardModel = rewardModelFrom(sft, 1);
    const progress = await all({ sft }, { bestOf: 4 });
    const done = progress.map((one) => one.done);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(new Set(progress.map(({ total }) => total))).toEqual(new Set([34 * 5]));
    expect(done.at(-1)).toBe(34 * 5);
    // It comes in small parts, so that a stop is heard: eight prompts at a time are as many rows as 32.
    expect(progress.filter(({ what }) => what === 'Best of 4 answers held-out prompts').length).toBe(5);
  });

  it('refuses best of n where there is nobody to choose, or to choose from', async () => {
    const sft = make(tinyGpt(108, TOY));
    await expect(all({ sft }, { bestOf: 4 })).rejects.toThrow('got no reward model');
    rewardModel = rewardModelFrom(sft, 1);
    await expect(all({ base: sft }, { bestOf: 4 })).rejects.toThrow('got no SFT model');
  });

  it('says only what can be said of the models that there are', async () => {
    const report = await reportOf({ sft: make(tinyGpt(96, TOY)) });
    expect([report.kl, report.winRateVsSft, report.winRateVsBase]).toEqual([null, null, null]);
    expect([Object.keys(report.gold), Object.keys(report.proxy)]).toEqual([['sft'], []]);
  });

  it('tells how far it is, and the report with its last word alone', async () => {
    const progress = await all({ base: make(tinyGpt(97, TOY)), sft: make(tinyGpt(98, TOY)) });
    const done = progress.map((one) => one.done);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(new Set(progress.map(({ total }) => total))).toEqual(new Set([68]));
    expect(done.at(-1)).toBe(68);
    expect(progress.map(({ report }) => report !== undefined)).toEqual(
      progress.map((_, i) => i === progress.length - 1),
    );
  });

  it('says the same twice for the same seed', async () => {
    const models = { sft: make(tinyGpt(99, TOY)), policy: make(tinyGpt(100, TOY)) };
    const [first, second] = [await reportOf(models), await reportOf(models)];
    expect({ ...second, seconds: 0 }).toEqual({ ...first, seconds: 0 });
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(all({ sft: make(tinyGpt(101, TOY)) }, { signal: controller.signal })).rejects.toThrow(CancelledError);
  });
});
