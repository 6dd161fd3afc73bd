import type { PreferenceSettings } from '../config';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError, NonFiniteError } from '../errors';
import { startDevice } from '../gpu/device';
import { batchInputs } from '../model/batch';
import { disposeGpt, type Gpt } from '../model/gpt';
import { tinyGpt } from '../model/tinyGpt';
import { CONSERVATIVE_DPO, DPO, ROBUST_DPO } from './dpo';
import { IPO, IPO_MEAN } from './ipo';
import { kto, KTO_DEFAULTS, ktoSteps, thumbsOf, withThumbs } from './kto';
import { ORPO } from './orpo';
import {
  logLikelihoodStep,
  optimisePreferences,
  preferenceInputs,
  type PreferenceMethod,
  type PreferenceState,
  preferenceState,
  preferenceStep,
  preferenceSteps,
} from './preferenceOptimisation';
import { rankingBatch, type TokenisedRanking } from './rewardModel';
import { SIMPO } from './simpo';
import { divergence, LANGUAGE, logLikelihoods, optimum, PAD, PROMPT, REPLIES, tasteOf } from './tinyLanguage';
import type { TrainingStep } from './trainingStep';

const [STOP, GOOD] = [0, 7];
const METHODS = [DPO, CONSERVATIVE_DPO, ROBUST_DPO, IPO, IPO_MEAN, SIMPO, ORPO];
const CHANGES: Partial<PreferenceSettings> = { epochs: 4, rankingsPerStep: 4, learningRate: 3e-3, guardCoef: 0 };

/** The more often a reply holds the token GOOD, the better it is. */
function rankings(count: number, repliesEach = 4): TokenisedRanking[] {
  return Array.from({ length: count }, (_, n) => {
    const replies = Array.from({ length: repliesEach }, (_unused, goods) => {
      const words = [2 + (n % 5), 8 + ((n + goods) % 4), 9 + (n % 3)];
      for (let k = 0; k < goods; k++) words[(k + n) % 3] = GOOD;
      return [...words.slice(0, 2 + (n % 2)), STOP];
    });
    return { prompt: [2 + (n % 7), 4], replies, ranks: replies.map((_reply, k) => repliesEach - k) };
  });
}

describe.each(['cpu', 'wasm'] as const)('learning from rankings on %s', (backend) => {
  let reference: Gpt;
  let state: PreferenceState;
  let before = 0;
  beforeEach(async () => {
    await startDevice(backend);
    before = tf.memory().numTensors;
    reference = tinyGpt(51);
    state = preferenceState(reference);
  });
  afterEach(() => {
    state.optimiser.dispose();
    disposeGpt(state.policy);
    disposeGpt(reference);
    expect(tf.memory().numTensors).toBe(before);
  });

  async function train(
    method: PreferenceMethod,
    list: TokenisedRanking[],
    changes: Partial<PreferenceSettings> = {},
  ): Promise<TrainingStep[]> {
    const settings = { ...method.defaults, ...CHANGES, ...changes };
    const steps: TrainingStep[] = [];
    for await (const step of optimisePreferences(state, method, list, settings, PAD, 1)) steps.push(step);
    return steps;
  }

  /** That learning with the guard keeps the chosen replies of pairs likelier, by half a nat a reply, than without. */
  async function expectHeld(learn: (list: TokenisedRanking[], guardCoef: number) => Promise<unknown>): Promise<void> {
    const list = rankings(12, 2);
    const change = async (guardCoef: number): Promise<number> => {
      await learn(list, guardCoef);
      const [own, ref] = [await likelihoods(state.policy, list, 2), await likelihoods(reference, list, 2)];
      const gains = Array.from(own, (logProb, i) => logProb - (ref[i] as number)).filter((_, i) => i % 2 === 1);
      return gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
    };
    const without = await change(0);
    state.optimiser.dispose();
    disposeGpt(state.policy);
    state = preferenceState(reference);
    expect(await change(1)).toBeGreaterThan(without + 0.5);
  }

  async function likelihoods(gpt: Gpt, list: TokenisedRanking[], repliesEach: number): Promise<Float32Array> {
    const step = logLikelihoodStep(gpt);
    const [values] = await step.read(batchInputs(rankingBatch(list, repliesEach, PAD, gpt.shape.context)));
    step.dispose();
    return values as Float32Array;
  }

  it.each(METHODS.map((method) => [method.name, method] as const))(
    '%s orders the rankings that it learns, better than before',
    async (_, method) => {
      const list = rankings(12);
      const steps = await train(method, list, { beta: Math.max(0.3, method.defaults.beta) });
      expect(steps.length).toBe(preferenceSteps(list.length, { ...method.defaults, ...CHANGES }));
      const [first, last] = [steps[0]?.metrics, steps.at(-1)?.metrics];
      expect(last?.['loss']).toBeLessThan(first?.['loss'] as number);
      expect(last?.['rewards/accuracies']).toBeGreaterThan(0.85);
      expect(last?.['rewards/chosen']).toBeGreaterThan(last?.['rewards/rejected'] as number);
    },
  );

  it.each([DPO, CONSERVATIVE_DPO].map((method) => [method.name, method] as const))(
    '%s begins at ln 2, with rewards of 0',
    async (_, method) => {
      const [first] = await train(method, rankings(12));
      expect(first?.metrics?.['loss']).toBeCloseTo(Math.LN2, 5);
      expect(first?.metrics?.['rewards/margins']).toBeCloseTo(0, 5);
    },
  );

  it.each(METHODS.map((method) => [method.name, method] as const))(
    '%s has the loss of its paper on pairs',
    async (_, method) => {
      const list = rankings(5, 2);
      await train(DPO, rankings(8, 2)); // away from the reference
      const settings = { ...method.defaults, guardCoef: 0 };
      const [own, ref] = [await likelihoods(state.policy, list, 2), await likelihoods(reference, list, 2)];
      const step = preferenceStep(state, method, settings);
      const batch = rankingBatch(list, 2, PAD, reference.shape.context);
      const read = await step.read({
        ...preferenceInputs(
          batch,
          list.map(({ ranks }) => ranks),
          2,
          ref,
        ),
        numbers: { values: state.optimiser.advance(0), shape: [3] },
      });
      step.dispose();
      const expected = tf.tidy(() => {
        const column = (values: ArrayLike<number>, k: number): tf.Tensor1D =>
          tf.tensor1d(Array.from(values).filter((_value, i) => i % 2 === k));
        const lengths = list.flatMap(({ replies }) => replies.map(({ length }) => length));
        const logProbs = {
          chosen: column(own, 1),
          rejected: column(own, 0),
          refChosen: column(ref, 1),
          refRejected: column(ref, 0),
        };
        const loss = method.loss(logProbs, { chosen: column(lengths, 1), rejected: column(lengths, 0) }, settings);
        return tf.mean(loss).dataSync()[0] as number;
      });
      expect(read[1]?.[0]).toBeCloseTo(expected, 5);
      expect(Math.abs(expected - Math.LN2)).toBeGreaterThan(0.005);
    },
  );

  it('holds on to the chosen replies with the guard, and loses them without', () =>
    expectHeld((list, guardCoef) => train(DPO, list, { beta: 0.3, guardCoef, learningRate: 1e-2, epochs: 6 })));

  it('KTO makes what was liked likelier than what was not, from thumbs alone', async () => {
    const thumbs = thumbsOf(rankings(16));
    expect(thumbs.filter(({ up }) => up)).toHaveLength(16);
    const settings = { ...KTO_DEFAULTS, epochs: 6, learningRate: 3e-3, beta: 0.3 };
    const steps: TrainingStep[] = [];
    for await (const step of kto(state, thumbs, settings, PAD, 1)) steps.push(step);
    expect(steps).toHaveLength(ktoSteps(thumbs.length, settings));
    // A policy that is still the reference neither gains nor loses: 1 - sigmoid(0), each side counting half.
    expect(steps[0]?.metrics?.['loss']).toBeCloseTo(0.5, 1);
    expect(steps[0]?.metrics?.['kl']).toBeCloseTo(0, 5);
    const last = steps.at(-1)?.metrics;
    expect(last?.['loss']).toBeLessThan(0.45);
    expect(last?.['rewards/chosen']).toBeGreaterThan((last?.['rewards/rejected'] as number) + 0.3);
  });

  it('KTO takes the thumbs that were given, and the best and worst only of rankings without any', () => {
    const [one, other] = rankings(2, 3) as [TokenisedRanking, TokenisedRanking]; // ranks 3, 2, 1
    const said = { ...one, thumbs: ['up', null, 'down'] as const };
    const single = { ...one, replies: one.replies.slice(0, 1), ranks: [1], thumbs: ['down'] as const };
    const silent = { ...other, thumbs: [null, null, null] };
    const tied = { ...other, ranks: [1, 1, 1] };
    const ups = (list: TokenisedRanking[]): [number[], boolean][] => thumbsOf(list).map(({ reply, up }) => [reply, up]);
    expect(ups([said])).toEqual([
      [one.replies[0], true],
      [one.replies[2], false],
    ]);
    expect(ups([single, silent])).toEqual([
      [one.replies[0], false],
      [other.replies[0], false],
      [other.replies[2], true],
    ]);
    expect(withThumbs([said, tied, single, silent])).toEqual([said, single, silent]);
    expect(withThumbs([{ ...tied, thumbs: ['up', 'up', 'up'] as const }])).toHaveLength(1);
  });

  it('KTO adds to its loss the mean over thumbs up of the cross-entropy of a token, times the coefficient', async () => {
    const list = rankings(6, 2);
    const thumbs = thumbsOf(list);
    const still = { ...KTO_DEFAULTS, epochs: 1, learningRate: 0, batchSize: 4 };
    const epochLoss = async (guardCoef: number): Promise<number> => {
      let sum = 0;
      state.optimiser.step = 0;
      for await (const { metrics } of kto(state, thumbs, { ...still, guardCoef }, PAD, 1)) sum += metrics!['loss']! * 4;
      return sum / thumbs.length;
    };
    const ups = Array.from(await likelihoods(reference, list, 2)).filter((_, i) => i % 2 === 1);
    const byHand = ups.reduce((sum, log, g) => sum - log / list[g]!.replies[1]!.length, 0) / ups.length;
    expect((await epochLoss(0.5)) - (await epochLoss(0))).toBeCloseTo(0.5 * byHand, 4);
  });

  it('KTO holds on to the liked replies with the guard, and less so without', () =>
    expectHeld(async (list, guardCoef) => {
      const settings = { ...KTO_DEFAULTS, epochs: 6, learningRate: 1e-2, beta: 0.3, guardCoef };
      for await (const _ of kto(state, thumbsOf(list), settings, PAD, 1));
    }));

  it('KTO says so where all thumbs point the same way', async () => {
    const ups = thumbsOf(rankings(4)).filter(({ up }) => up);
    await expect(kto(state, ups, KTO_DEFAULTS, PAD, 1).next()).rejects.toThrow(InputError);
  });

  it('says so where a loss is no number', async () => {
    const weight = [...state.policy.parameters.values()][0] as tf.Variable;
    tf.tidy(() => weight.assign(tf.fill(weight.shape, NaN)));
    await expect(train(DPO, rankings(4))).rejects.toThrow(NonFiniteError);
  });
});

describe('in a language whose replies can all be listed', () => {
  it('DPO ends within 0.02 nats of the best policy, from labels as often right as Bradley and Terry say', async () => {
    await startDevice('wasm');
    // Other seeds, and the other methods: preferenceOptimum.test.ts, from chances in place of labels.
    for (const seed of [1, 2]) {
      const refPolicy = tinyGpt(seed, LANGUAGE);
      const state = preferenceState(refPolicy);
      const [worth, beta] = [tasteOf(seed), 0.7];
      // Each pair as often as `LABELS`, and either way as often as its chance says.
      const LABELS = 20;
      const list = REPLIES.flatMap((a, i) =>
        REPLIES.slice(i + 1).flatMap((b, k): TokenisedRanking[] => {
          const won = Math.round(LABELS / (1 + Math.exp(worth[i + 1 + k]! - worth[i]!)));
          const pair = { prompt: [...PROMPT], replies: [[...a], [...b]] };
          return Array.from({ length: LABELS }, (_, n) => ({ ...pair, ranks: n < won ? [1, 2] : [2, 1] }));
        }),
      );
      const settings = { ...DPO.defaults, beta, epochs: 4, rankingsPerStep: 128, learningRate: 0.01 };
      for await (const _ of optimisePreferences(state, DPO, list, settings, PAD, seed));
      const refLogP = await logLikelihoods(refPolicy);
      const best = optimum(refLogP, worth, beta);
      const logP = await logLikelihoods(state.policy);
      expect(divergence(refLogP, best)).toBeGreaterThan(0.1);
      expect(divergence(logP, best)).toBeLessThan(0.02);
      state.optimiser.dispose();
      disposeGpt(state.policy);
      disposeGpt(refPolicy);
    }
  }, 120_000);
});
