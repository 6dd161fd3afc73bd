import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { cloneGpt, disposeGpt, type Gpt } from '../model/gpt';
import { tinyGpt } from '../model/tinyGpt';
import { bestOfNKlBound } from './bestOfN';
import { bestOfN } from './bestOfNPolicy';
import { DPO } from './dpo';
import { Ema } from './ema';
import {
  disposeIlql,
  ilql,
  ILQL_DEFAULTS,
  ilqlDrift,
  ilqlModel,
  ilqlOptimiser,
  paidAtItsEnd,
  sampleIlql,
} from './ilql';
import { onlineDpo } from './onlineDpo';
import { preferenceState } from './preferenceOptimisation';
import { rejectionSampling } from './rejectionSampling';
import {
  divergence,
  LANGUAGE,
  logLikelihoods,
  LONGEST,
  PAD,
  PROMPT,
  REPLIES,
  replyIndex,
  STOP,
  tasteOf,
  tasteScorer,
  tinyRun,
} from './tinyLanguage';

const SEED = 4;
const TOKENS = { stop: STOP, pad: PAD };
const worth = tasteOf(SEED);

/** log p of the best of n, from the distribution of the replies: (share at most as good)^n - (share worse)^n. */
function bestOfNLogP(logP: readonly number[], n: number, taste: readonly number[] = worth): number[] {
  const share = (counts: (own: number) => boolean): number =>
    logP.reduce((sum, log, i) => sum + (counts(taste[i] as number) ? Math.exp(log) : 0), 0);
  return taste.map((own) => Math.log(share((other) => other <= own) ** n - share((other) => other < own) ** n));
}

const meanWorth = (logP: readonly number[]): number =>
  logP.reduce((sum, log, i) => sum + Math.exp(log) * (worth[i] as number), 0);

/** log of pi exp(beta Q) at every token, Q what the reply is worth in the end if pi goes on. */
function perturbedBy(beta: number, logP: readonly number[], taste: readonly number[]): number[] {
  const p = logP.map(Math.exp);
  const from = (first: number): number[] => REPLIES.flatMap((reply, n) => (reply[0] === first ? [n] : []));
  const sum = (of: readonly number[], each: (n: number) => number): number => of.reduce((all, n) => all + each(n), 0);
  const firsts = [...new Set(REPLIES.map(([first]) => first as number))].map((first) => {
    const own = from(first);
    const share = sum(own, (n) => p[n]!);
    const q = sum(own, (n) => (p[n]! / share) * taste[n]!);
    const rest = sum(own, (n) => (p[n]! / share) * Math.exp(beta * taste[n]!));
    return { first, share, weight: share * Math.exp(beta * q), rest };
  });
  const all = firsts.reduce((total, { weight }) => total + weight, 0);
  return REPLIES.map(([first, second], n) => {
    const { share, weight, rest } = firsts.find((one) => one.first === first)!;
    const after = second === undefined ? 1 : ((p[n]! / share) * Math.exp(beta * taste[n]!)) / rest;
    return Math.log((weight / all) * after);
  });
}

describe('in a language whose replies can all be listed', () => {
  let policy: Gpt;
  let refLogP: number[];
  beforeEach(async () => {
    await startDevice('wasm');
    policy = tinyGpt(SEED, LANGUAGE);
    refLogP = await logLikelihoods(policy);
  });
  afterEach(() => disposeGpt(policy));

  it.each([1, 2, 8])('the best of %i samples come as often as order statistics say', async (n) => {
    const asked = 4000;
    const prompts = Array.from({ length: asked }, () => [...PROMPT]);
    const sampling = { n, temperature: 1, maxNewTokens: LONGEST, seed: 9 };
    const { responses, scores } = await bestOfN(policy, prompts, TOKENS, tasteScorer(worth), sampling);
    const came = new Array<number>(REPLIES.length).fill(0);
    responses.forEach((reply, i) => {
      came[replyIndex(reply)]! += 1;
      expect(scores[i]).toBe(Math.fround(worth[replyIndex(reply)] as number));
    });
    const known = bestOfNLogP(refLogP, n);
    known.forEach((log, i) => {
      const p = Math.exp(log);
      expect(Math.abs(came[i]! / asked - p)).toBeLessThan(4.5 * Math.sqrt((p * (1 - p)) / asked) + 1 / asked);
    });
    expect(divergence(known, refLogP)).toBeLessThanOrEqual(bestOfNKlBound(n) + 1e-6);
  });

  it('a round of rejection sampling ends within 0.02 nats of the policy of best of n, with 5 seeds', async () => {
    const settings = {
      rounds: 1,
      prompts: 4000,
      n: 3,
      sft: { examples: 0, epochs: 20, batchSize: 200, learningRate: 0.01 },
      temperature: 1,
      maxNewTokens: LONGEST,
    };
    for (const seed of [1, 2, 3, 4, 5]) {
      const own = tinyGpt(seed, LANGUAGE);
      const taste = tasteOf(seed);
      const known = bestOfNLogP(await logLikelihoods(own), 3, taste);
      expect(divergence(known, await logLikelihoods(own))).toBeGreaterThan(0.2);
      for await (const _ of rejectionSampling(own, { ...tinyRun(seed, settings.prompts, taste), settings }));
      expect(divergence(await logLikelihoods(own), known)).toBeLessThan(0.02);
      disposeGpt(own);
    }
  }, 60_000);

  it('online DPO leaves what is worth less, and stays where all replies are worth the same', async () => {
    const online = {
      updates: 60,
      prompts: 64,
      replies: 2,
      temperature: 1,
      maxNewTokens: LONGEST,
      missingEosPenalty: 0,
    };
    const settings = { ...DPO.defaults, learningRate: 0.01, guardCoef: 0 };
    const state = preferenceState(policy);
    const train = async (values: readonly number[]): Promise<number[]> => {
      const run = { ...tinyRun(SEED, online.prompts, values), method: DPO, settings, online };
      for await (const _ of onlineDpo(state, run));
      return logLikelihoods(state.policy);
    };
    expect(await train(worth.map(() => 1))).toEqual(refLogP);
    const logP = await train(worth);
    // Better than the best of two, which is what a step of it looks at.
    expect(meanWorth(logP)).toBeGreaterThan(meanWorth(bestOfNLogP(refLogP, 2)));
    state.optimiser.dispose();
    disposeGpt(state.policy);
  });

  it('online DPO with the guard adds to its loss what it costs to say the best of each prompt, a token', async () => {
    const online = { updates: 1, prompts: 64, replies: 2, temperature: 1, maxNewTokens: LONGEST, missingEosPenalty: 0 };
    const costs: number[] = [];
    const judge = (_update: number, responses: readonly number[][]): Record<string, number> => {
      costs.length = 0;
      for (let row = 0; row < responses.length; row += 2) {
        const [one, other] = [replyIndex(responses[row] as number[]), replyIndex(responses[row + 1] as number[])];
        const best = (worth[one] as number) > (worth[other] as number) ? one : other;
        // Two that are the same tie, and teach nothing.
        if (one !== other) costs.push(-(refLogP[best] as number) / (REPLIES[best] as number[]).length);
      }
      return {};
    };
    const lossWith = async (guardCoef: number): Promise<number> => {
      const state = preferenceState(policy);
      const settings = { ...DPO.defaults, guardCoef };
      const run = { ...tinyRun(SEED, online.prompts, worth), method: DPO, settings, online, judge };
      let loss = NaN;
      for await (const { metrics } of onlineDpo(state, run)) loss = metrics?.['loss'] ?? loss;
      state.optimiser.dispose();
      disposeGpt(state.policy);
      return loss;
    };
    const added = (await lossWith(0.5)) - (await lossWith(0));
    expect(costs.length).toBeGreaterThan(40);
    expect(added).toBeCloseTo((0.5 * costs.reduce((sum, cost) => sum + cost, 0)) / costs.length, 4);
  });

  it('ILQL learns what replies are worth from samples of another, and says the best', async () => {
    const model = ilqlModel(cloneGpt(policy), SEED);
    const optimiser = ilqlOptimiser(model);
    const data = Array.from({ length: 16 }, () => REPLIES)
      .flat()
      .map((reply) => ({
        prompt: [...PROMPT],
        response: [...reply],
        rewards: paidAtItsEnd(reply, worth[replyIndex(reply)] as number),
      }));
    const settings = { ...ILQL_DEFAULTS, epochs: 60, learningRate: 0.01, cqlScale: 0, tau: 0.9, gamma: 1 };
    let last: Record<string, number> = {};
    for await (const { metrics } of ilql(model, optimiser, data, settings, PAD, SEED)) last = metrics ?? last;
    expect(last['loss_q']).toBeLessThan(0.05);
    const sampling = { beta: 20, temperature: 0, maxNewTokens: LONGEST, seed: 1 };
    const [greedy] = await sampleIlql(model, [[...PROMPT]], TOKENS, sampling);
    expect(replyIndex(greedy as number[])).toBe(worth.indexOf(Math.max(...worth)));
    // Without the worth it imitates: the data holds each reply as often.
    const many = Array.from({ length: 2000 }, () => [...PROMPT]);
    const imitated = await sampleIlql(model, many, TOKENS, { ...sampling, beta: 0, temperature: 1 });
    const stops = imitated.filter(({ length }) => length === 1).length / many.length;
    expect(Math.abs(stops - 1 / REPLIES.length)).toBeLessThan(0.03);
    optimiser.dispose();
    disposeIlql(model);
  });

  it.each([1, 2, 3, 4, 5])(
    'ILQL beside the policy that said the data says what is likely for it times the power of its worth, seed %i',
    async (seed) => {
      const beta = 1.5;
      const imitator = tinyGpt(seed, LANGUAGE);
      const [taste, before] = [tasteOf(seed), await logLikelihoods(imitator)];
      const model = ilqlModel(tinyGpt(seed + 1, LANGUAGE), seed, { imitator, blank: true });
      const prompts = REPLIES.map(() => [...PROMPT]);
      const replies = REPLIES.map((reply) => [...reply]);
      const logP = async (): Promise<number[]> => {
        const drift = await ilqlDrift(model, beta, prompts, replies, PAD);
        return before.map((log, n) => log + drift[n]!);
      };
      expect(await logP()).toEqual(before);
      const asked = Array.from({ length: 3000 }, () => [...PROMPT]);
      const sampling = { beta, temperature: 1, maxNewTokens: LONGEST, seed: 6 };
      const said = await sampleIlql(model, asked, TOKENS, sampling);
      // 0.3 of what a reply of two tokens is worth is paid at its first, which changes nothing of what tokens are worth in the end.
      const data = said.map((response) => {
        const rewards = paidAtItsEnd(response, taste[replyIndex(response)] as number);
        return {
          prompt: [...PROMPT],
          response,
          rewards: rewards.map((own, t) => own + (response.length === 2 ? [0.3, -0.3][t]! : 0)),
        };
      });
      const optimiser = ilqlOptimiser(model);
      const settings = {
        ...ILQL_DEFAULTS,
        batchSize: 200,
        epochs: 40,
        learningRate: 0.01,
        cqlScale: 0,
        tau: 0.5,
        gamma: 1,
      };
      for await (const _ of ilql(model, optimiser, data, settings, PAD, seed));
      const known = perturbedBy(beta, before, taste);
      expect(divergence(known, before)).toBeGreaterThan(0.3);
      expect(divergence(known, await logP())).toBeLessThan(0.02);
      // What only one of both copies thinks much of is worth no more.
      const { outerBias } = model.targets.first;
      outerBias.assign(tf.tidy(() => tf.add(outerBias, tf.tensor1d([0, 0, 50, 0, 0, 0]))));
      expect(divergence(known, await logP())).toBeLessThan(0.02);
      expect(await logLikelihoods(imitator)).toEqual(before);
      optimiser.dispose();
      disposeIlql(model);
      disposeGpt(imitator);
    },
  );

  it('a moving average is decay times itself and the rest the policy, and gives its weights to it', async () => {
    const other = tinyGpt(SEED + 1, LANGUAGE);
    const ema = new Ema(policy, 0.75);
    ema.follow(other);
    ema.follow(other);
    for (const [name, own] of ema.gpt.parameters) {
      const [from, to] = [policy.parameters.get(name)!.dataSync(), other.parameters.get(name)!.dataSync()];
      own.dataSync().forEach((value, i) => expect(value).toBeCloseTo(0.5625 * from[i]! + 0.4375 * to[i]!, 6));
    }
    ema.lead(other);
    ema.gpt.parameters.forEach((own, name) => expect(other.parameters.get(name)!.dataSync()).toEqual(own.dataSync()));
    const before = tf.memory().numTensors;
    expect(() => new Ema(policy, 1)).toThrow(RangeError);
    expect(tf.memory().numTensors).toBe(before);
    ema.dispose();
    disposeGpt(other);
  });
});
