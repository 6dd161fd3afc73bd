import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, KL_LOSSES, type PpoSettings } from '../config';
import { startDevice } from '../gpu/device';
import { cloneGpt, disposeGpt } from '../model/gpt';
import { blankHead, disposeHead, disposeScalarModel } from '../model/scalarHead';
import { tinyGpt } from '../model/tinyGpt';
import { FixedKlController } from './adaptiveKlController';
import { ppo, ppoOptimisers, type PpoState } from './ppo';
import {
  divergence,
  LANGUAGE,
  logLikelihoods,
  LONGEST,
  optimum,
  PROMPT,
  REPLIES,
  STOP,
  tasteOf,
  tinyRun,
} from './tinyLanguage';

const BETA = 0.7;
const SETTINGS: PpoSettings = {
  ...DEFAULT_SETTINGS.ppo,
  updates: 250,
  batchSize: 256,
  minibatchSize: 256,
  ppoEpochs: 1,
  learningRate: 0.02,
  valueLearningRate: 0.02,
  vfCoef: 1,
  klCoef: BETA,
  adaptiveKl: 0,
  lam: 1,
  clipRangeValue: 10,
  maxNewTokens: LONGEST,
  missingEosPenalty: 0,
};

/** Trains on the taste of a seed; what is made is disposed. */
async function train(changes: Partial<PpoSettings>, seed: number) {
  await startDevice('wasm');
  const settings = { ...SETTINGS, ...changes };
  const refPolicy = tinyGpt(seed, LANGUAGE);
  const policy = cloneGpt(refPolicy);
  const worth = tasteOf(seed);
  const valueModel = blankHead(settings.sharedValue ? policy : cloneGpt(refPolicy));
  const state: PpoState = {
    models: { policy, refPolicy, rewardModel: null, valueModel },
    ...ppoOptimisers(policy, valueModel, settings),
    klController: new FixedKlController(settings.klCoef),
    update: 0,
  };
  const metrics: Record<string, number>[] = [];
  for await (const step of ppo(state, {
    settings,
    ...tinyRun(seed, settings.batchSize, worth),
    // Text in which the first word follows the prompt.
    nextWindows: () => ({ windows: Int32Array.of(...PROMPT, 2, STOP), length: 4 }),
  }))
    if (step.metrics) metrics.push(step.metrics);
  const [refLogP, logP] = [await logLikelihoods(refPolicy), await logLikelihoods(policy)];
  state.policyOptimiser.dispose();
  state.valueOptimiser?.dispose();
  if (settings.sharedValue) disposeHead(valueModel);
  else disposeScalarModel(valueModel);
  disposeGpt(policy);
  disposeGpt(refPolicy);
  return { worth, refLogP, logP, metrics };
}

const entropyOf = (logP: number[]): number => -logP.reduce((sum, log) => sum + Math.exp(log) * log, 0);

describe('PPO in a language whose replies can all be listed', () => {
  it.each([
    ['a value model of its own', {}],
    ['a value head on the policy', { sharedValue: 1, vfCoef: 0.1 }],
    [
      'several epochs of minibatches, and lambda 0.95',
      { ppoEpochs: 2, minibatchSize: 128, lam: 0.95, learningRate: 0.01 },
    ],
  ] as const)(
    'ends within 0.02 nats of the best policy with %s, whatever the seed',
    async (_, changes) => {
      for (const seed of [1, 2, 3, 4, 5]) {
        const { worth, refLogP, logP } = await train(changes, seed);
        const best = optimum(refLogP, worth, BETA);
        expect(divergence(refLogP, best)).toBeGreaterThan(0.1);
        expect(divergence(logP, best)).toBeLessThan(0.02);
      }
    },
    180_000,
  );

  const brief = { updates: 60 };

  it('is the more varied, the more variety is paid for', async () => {
    const [plain, paid] = [await train(brief, 2), await train({ ...brief, entropyCoef: 2 }, 2)];
    expect(entropyOf(paid.logP)).toBeGreaterThan(entropyOf(plain.logP) + 0.2);
  });

  it.each(['k2', 'k3', 'exact'] as const)('is held to the reference by %s in the loss, and not by k1', async (name) => {
    const charged = (klLoss: (typeof KL_LOSSES)[number]): Partial<PpoSettings> => ({
      ...brief,
      klCoef: 0,
      klLoss: KL_LOSSES.indexOf(klLoss),
      klLossCoef: 3,
    });
    const drift = async (klLoss: (typeof KL_LOSSES)[number]): Promise<number> => {
      const { logP, refLogP } = await train(charged(klLoss), 2);
      return divergence(logP, refLogP);
    };
    const [held, loose, noisy] = [await drift(name), await drift('none'), await drift('k1')];
    expect(held).toBeLessThan(0.5 * loose);
    expect(noisy).toBeGreaterThan(0.5 * loose);
  });

  it('goes on with the text of pretraining where it is mixed in', async () => {
    const first = REPLIES.flatMap((reply, n) => (reply[0] === 2 ? [n] : []));
    const chance = (logP: number[]): number => first.reduce((sum, n) => sum + Math.exp(logP[n] as number), 0);
    const [plain, mixed] = [await train(brief, 3), await train({ ...brief, ptxCoef: 1 }, 3)];
    expect(chance(mixed.logP)).toBeGreaterThan(chance(plain.logP) + 0.1);
  });

  it('leaves no tensor behind', async () => {
    await train({ ...brief, updates: 1 }, 1);
    const before = tf.memory().numTensors;
    await train({ ...brief, updates: 1, sharedValue: 1, klLoss: 4, entropyCoef: 0.1, ptxCoef: 0.1, dualClip: 3 }, 1);
    expect(tf.memory().numTensors).toBe(before);
  });
});
