import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { batchInputs, padBatch } from '../model/batch';
import { disposeGpt } from '../model/gpt';
import { tinyGpt } from '../model/tinyGpt';
import { gumbel } from '../ops/counterRandom';
import { CONSERVATIVE_DPO, DPO, ROBUST_DPO } from './dpo';
import { IPO, IPO_MEAN } from './ipo';
import { kto, KTO_DEFAULTS } from './kto';
import { onlineDpo } from './onlineDpo';
import { ORPO } from './orpo';
import { type PreferenceMethod, preferenceState, preferenceStep } from './preferenceOptimisation';
import { linearToZero } from './schedule';
import type { Scorer } from './scorer';
import { SIMPO } from './simpo';
import {
  divergence,
  LANGUAGE,
  logLikelihoods,
  LONGEST,
  optimum,
  PAD,
  PROMPT,
  REPLIES,
  replyIndex,
  tasteOf,
  tinyRun,
} from './tinyLanguage';

const N = REPLIES.length;
const LENGTHS = REPLIES.map(({ length }) => length);
const SETTINGS = { beta: 0.7, labelSmoothing: 0.1, gamma: 0.3, guardCoef: 0 };
const { beta, labelSmoothing: flips, gamma } = SETTINGS;
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Each pair once, with the chance that the first is preferred: Bradley and Terry's. */
const chanceOf = (worth: readonly number[], i: number, j: number): number => sigmoid(worth[i]! - worth[j]!);

/**
 * log of the distribution over the N replies that minimises a sum over pairs, by descent in double precision. Beside the
 * model and its autodiff, so that it is another way to the same end.
 * @param slope of the sum by each reply's log-probability, [N]
 */
function minimum(slope: (logP: readonly number[]) => number[]): number[] {
  const logits = new Array<number>(N).fill(0);
  const logPOf = (): number[] => {
    const most = Math.max(...logits);
    const log = most + Math.log(logits.reduce((sum, own) => sum + Math.exp(own - most), 0));
    return logits.map((own) => own - log);
  };
  const [first, second] = [new Array<number>(N).fill(0), new Array<number>(N).fill(0)];
  const STEPS = 6000;
  for (let step = 1; step <= STEPS; step++) {
    const logP = logPOf();
    const byLogP = slope(logP);
    const total = byLogP.reduce((sum, own) => sum + own, 0);
    logP.forEach((own, i) => {
      const gradient = byLogP[i]! - Math.exp(own) * total;
      first[i] = 0.9 * first[i]! + 0.1 * gradient;
      second[i] = 0.999 * second[i]! + 0.001 * gradient ** 2;
      const rate = 0.03 * (1 - step / STEPS);
      logits[i]! -= (rate * (first[i]! / (1 - 0.9 ** step))) / (Math.sqrt(second[i]! / (1 - 0.999 ** step)) + 1e-12);
    });
  }
  return logPOf();
}

/** The slope of a sum over ordered pairs of chance · loss(f_better - f_worse), by f, [N]. */
function pairSlope(
  f: readonly number[],
  worth: readonly number[],
  lossSlope: (difference: number) => number,
): number[] {
  const slopes = new Array<number>(N).fill(0);
  for (let i = 0; i < N; i++)
    for (let j = 0; j < N; j++) {
      if (i === j) continue;
      const own = chanceOf(worth, i, j) * lossSlope(f[i]! - f[j]!);
      slopes[i]! += own;
      slopes[j]! -= own;
    }
  return slopes;
}

/** A probability a token, of a reply whose log-probability is that of all its tokens. */
const perToken = (logP: readonly number[]): number[] => logP.map((own, i) => own / LENGTHS[i]!);

/** log of the distribution that is exp(length · (score + k)) times a base, with the k at which it sums to 1. */
function scaledToSum(base: readonly number[], scores: readonly number[]): number[] {
  const at = (k: number): number[] => base.map((log, i) => log + LENGTHS[i]! * (scores[i]! + k));
  let [low, high] = [-100, 100];
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (at(middle).reduce((sum, log) => sum + Math.exp(log), 0) > 1) high = middle;
    else low = middle;
  }
  return at(low);
}

/** IPO's own beta, at which it goes as far as the others. */
const IPO_BETA = 0.3;

/** Mean over all others of what IPO asks of the difference to each: (2 chance - 1) / (2 beta), its least squares. */
const ipoScores = (worth: readonly number[]): number[] =>
  worth.map((_, i) => worth.reduce((sum, _own, j) => sum + (2 * chanceOf(worth, i, j) - 1) / (2 * IPO_BETA), 0) / N);

interface Known {
  method: PreferenceMethod;
  /** Other than `SETTINGS`. */
  beta?: number;
  /** Share of labels that are turned round. */
  wrong?: number;
  /** log of the policy at which the loss of all pairs is lowest. */
  end(refLogP: readonly number[], worth: readonly number[]): number[];
}

const KNOWN: Known[] = [
  { method: DPO, end: (refLogP, worth) => optimum(refLogP, worth, beta) },
  // Wrong labels at the rate that it reckons with change nothing in the mean.
  { method: ROBUST_DPO, wrong: flips, end: (refLogP, worth) => optimum(refLogP, worth, beta) },
  {
    // It never becomes as sure as the labels are.
    method: CONSERVATIVE_DPO,
    end: (refLogP, worth) =>
      minimum((logP) =>
        pairSlope(
          logP.map((own, i) => beta * (own - refLogP[i]!)),
          worth,
          (h) => -(1 - flips) * sigmoid(-h) + flips * sigmoid(h),
        ),
      ),
  },
  {
    method: IPO,
    beta: IPO_BETA,
    end: (refLogP, worth) => optimum(refLogP, ipoScores(worth), 1),
  },
  { method: IPO_MEAN, beta: IPO_BETA, end: (refLogP, worth) => scaledToSum(refLogP, ipoScores(worth)) },
  {
    method: SIMPO,
    end: (_, worth) =>
      minimum((logP) =>
        pairSlope(perToken(logP), worth, (u) => -beta * sigmoid(gamma - beta * u)).map((own, i) => own / LENGTHS[i]!),
      ),
  },
  {
    method: ORPO,
    end: (_, worth) =>
      minimum((logP) => {
        const means = perToken(logP);
        const odds = means.map((mean) => mean - Math.log(-Math.expm1(mean)));
        const imitated = worth.map((_own, i) =>
          worth.reduce((sum, _other, j) => (i === j ? sum : sum - chanceOf(worth, i, j)), 0),
        );
        return pairSlope(odds, worth, (h) => -beta * sigmoid(-h)).map(
          (own, i) => (imitated[i]! + own / -Math.expm1(means[i]!)) / LENGTHS[i]!,
        );
      }),
  },
];

describe('in a language whose replies can all be listed, from labels as often right as Bradley and Terry say', () => {
  beforeAll(async () => {
    await startDevice('wasm');
  });

  /** log of the policy that a method ends at when each of its steps sees every pair, either way as often as its chance. */
  async function learned({ method, wrong = 0, ...own }: Known, seed: number) {
    const refPolicy = tinyGpt(seed, LANGUAGE);
    const state = preferenceState(refPolicy);
    const [worth, refLogP] = [tasteOf(seed), await logLikelihoods(refPolicy)];
    const pairs = worth.flatMap((_, i) => worth.flatMap((_own, j) => (i === j ? [] : [[i, j] as const])));
    const column = (of: (pair: readonly [number, number]) => number) => ({
      values: Float32Array.from(pairs, of),
      shape: [pairs.length],
    });
    const selection = (which: 0 | 1) => {
      const values = new Float32Array(pairs.length * N);
      pairs.forEach((pair, n) => (values[n * N + pair[which]] = 1));
      return { values, shape: [pairs.length, N] };
    };
    const ref = method.needsReference ? refLogP : refLogP.map(() => 0);
    const batch = padBatch(
      REPLIES.map(() => [...PROMPT]),
      REPLIES.map((reply) => [...reply]),
      PAD,
      LANGUAGE.context,
    );
    const inputs = {
      ...batchInputs(batch),
      refLogProbs: { values: Float32Array.from(ref), shape: [N] },
      lengths: { values: Float32Array.from(LENGTHS), shape: [N] },
      ...{ chosen: selection(0), rejected: selection(1) },
      ...{ refChosen: column(([i]) => ref[i]!), refRejected: column(([, j]) => ref[j]!) },
      ...{ chosenLengths: column(([i]) => LENGTHS[i]!), rejectedLengths: column(([, j]) => LENGTHS[j]!) },
      pairWeights: column(([i, j]) => {
        const right = chanceOf(worth, i, j);
        return (2 * (right * (1 - wrong) + (1 - right) * wrong)) / pairs.length;
      }),
      guard: { values: new Float32Array(N), shape: [N] },
    };
    const step = preferenceStep(state, method, { ...method.defaults, ...SETTINGS, beta: own.beta ?? beta });
    const STEPS = 320;
    for (let n = 0; n < STEPS; n++) {
      const numbers = { values: state.optimiser.advance(linearToZero(0.02, n, STEPS)), shape: [3] };
      await step.read({ ...inputs, numbers });
    }
    const logP = await logLikelihoods(state.policy);
    step.dispose();
    state.optimiser.dispose();
    disposeGpt(state.policy);
    disposeGpt(refPolicy);
    return { refLogP, worth, logP };
  }

  it.each(KNOWN.map((known) => [known.method.name, known] as const))(
    '%s ends within 0.0001 nats of where its loss is lowest, with 5 seeds',
    async (_, known) => {
      for (const seed of [1, 2, 3, 4, 5]) {
        const { refLogP, worth, logP } = await learned(known, seed);
        const end = known.end(refLogP, worth);
        expect(end.reduce((sum, log) => sum + Math.exp(log), 0)).toBeCloseTo(1, 6);
        expect(divergence(refLogP, end)).toBeGreaterThan(0.05);
        expect(divergence(logP, end)).toBeLessThan(1e-4);
      }
    },
    120_000,
  );

  it('online DPO ends within 0.02 nats of the optimum, with 5 seeds, where its labeler errs so', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const refPolicy = tinyGpt(seed, LANGUAGE);
      const state = preferenceState(refPolicy);
      const [worth, refLogP] = [tasteOf(seed), await logLikelihoods(refPolicy)];
      const online = { updates: 250, prompts: 128, replies: 4, temperature: 1, maxNewTokens: LONGEST };
      let asked = 0;
      // Gumbel noise on what replies are worth: the better of two comes first as often as Bradley and Terry say (Luce).
      const scorer: Scorer = ({ responses }) => {
        const draw = asked++;
        const score = (reply: number[], i: number): number => worth[replyIndex(reply)]! + gumbel(seed, 77, draw, i);
        return Promise.resolve(Float32Array.from(responses, score));
      };
      const run = { ...tinyRun(seed, online.prompts, worth), scorer, method: DPO };
      const settings = { ...DPO.defaults, beta, guardCoef: 0, learningRate: 0.007 };
      for await (const _ of onlineDpo(state, { ...run, settings, online: { ...online, missingEosPenalty: 0 } }));
      const best = optimum(refLogP, worth, beta);
      expect(divergence(refLogP, best)).toBeGreaterThan(0.4);
      expect(divergence(await logLikelihoods(state.policy), best)).toBeLessThan(0.02);
      state.optimiser.dispose();
      disposeGpt(state.policy);
      disposeGpt(refPolicy);
    }
  }, 240_000);
});

it('KTO ends with all but 0.02 nats on what was liked, with 5 seeds: certain thumbs have no other end', async () => {
  await startDevice('wasm');
  for (const seed of [1, 2, 3, 4, 5]) {
    const refPolicy = tinyGpt(seed, LANGUAGE);
    const state = preferenceState(refPolicy);
    const worth = tasteOf(seed);
    const middle = [...worth].sort((a, b) => a - b)[(N - 1) / 2]!;
    const thumbs = REPLIES.map((reply, n) => ({ prompt: [...PROMPT], reply: [...reply], up: worth[n]! > middle }));
    const settings = { ...KTO_DEFAULTS, beta, guardCoef: 0, epochs: 80, batchSize: N, learningRate: 0.02 };
    for await (const _ of kto(state, thumbs, settings, PAD, seed));
    const missing = (logP: readonly number[]): number =>
      -Math.log(logP.reduce((sum, log, n) => sum + (worth[n]! > middle ? Math.exp(log) : 0), 0));
    expect(missing(await logLikelihoods(refPolicy))).toBeGreaterThan(0.4);
    expect(missing(await logLikelihoods(state.policy))).toBeLessThan(0.02);
    state.optimiser.dispose();
    disposeGpt(state.policy);
    disposeGpt(refPolicy);
  }
}, 60_000);
