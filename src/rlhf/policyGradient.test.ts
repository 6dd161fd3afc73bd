import { KL_LOSSES, type PolicyGradientSettings } from '../config';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { cloneGpt, disposeGpt, type Gpt } from '../model/gpt';
import { tinyGpt } from '../model/tinyGpt';
import { FixedKlController } from './adaptiveKlController';
import { DR_GRPO, GRPO } from './grpo';
import {
  policyGradient,
  policyGradientOptimiser,
  type PolicyGradientMethod,
  type PolicyGradientState,
} from './policyGradient';
import { REINFORCE } from './reinforce';
import { REINFORCE_PLUS_PLUS } from './reinforcePlusPlus';
import { RLOO } from './rloo';
import {
  divergence,
  LANGUAGE,
  logLikelihoods,
  LONGEST,
  optimum,
  statewiseOptimum,
  tasteOf,
  tinyRun,
} from './tinyLanguage';

const BETA = 0.7;
/** Whole batches of one prompt, so that what is left of chance is small. */
const SETTINGS: Partial<PolicyGradientSettings> = {
  updates: 250,
  prompts: 1,
  replies: 256,
  epochs: 1,
  minibatchSize: 256,
  learningRate: 0.02,
  maxNewTokens: LONGEST,
  missingEosPenalty: 0,
};

interface Known {
  method: PolicyGradientMethod;
  settings?: Partial<PolicyGradientSettings>;
  /** log of the policy that it ends at. */
  end(refLogP: number[], worth: number[]): number[];
}

const atOptimum: Known['end'] = (refLogP, worth) => optimum(refLogP, worth, BETA);
const KNOWN: Known[] = [
  { method: RLOO, settings: { klCoef: BETA }, end: atOptimum },
  { method: REINFORCE, settings: { klCoef: BETA, prompts: 256, replies: 1 }, end: atOptimum },
  { method: REINFORCE_PLUS_PLUS, settings: { klCoef: BETA, prompts: 256, replies: 1 }, end: atOptimum },
  {
    method: DR_GRPO,
    settings: { klLoss: KL_LOSSES.indexOf('k2'), klLossCoef: BETA },
    end: (refLogP, worth) =>
      statewiseOptimum(refLogP, worth, BETA, { weight: () => 1, divided: false, drift: 'sampled' }),
  },
  {
    method: GRPO,
    // In deviations of the group, rewards grow as the policy narrows: below a certain beta it narrows without end.
    settings: { klLoss: KL_LOSSES.indexOf('exact'), klLossCoef: 2 * BETA },
    end: (refLogP, worth) =>
      statewiseOptimum(refLogP, worth, 2 * BETA, { weight: (length) => 1 / length, divided: true, drift: 'exact' }),
  },
];

describe('in a language whose replies can all be listed', () => {
  let refPolicy: Gpt;
  let state: PolicyGradientState;
  beforeEach(async () => {
    await startDevice('wasm');
  });
  afterEach(() => {
    state.optimiser.dispose();
    disposeGpt(state.policy);
    disposeGpt(refPolicy);
  });

  async function train(method: PolicyGradientMethod, changes: Partial<PolicyGradientSettings>, seed: number) {
    const settings = { ...method.defaults, ...SETTINGS, ...changes };
    refPolicy = tinyGpt(seed, LANGUAGE);
    const policy = cloneGpt(refPolicy);
    const worth = tasteOf(seed);
    state = {
      policy,
      refPolicy,
      optimiser: policyGradientOptimiser(policy, settings),
      klController: new FixedKlController(settings.klCoef),
      update: 0,
      memory: {},
    };
    const run = policyGradient(state, {
      method,
      settings,
      ...tinyRun(seed, settings.prompts, worth),
    });
    for await (const _ of run);
    return { worth, refLogP: await logLikelihoods(refPolicy), logP: await logLikelihoods(policy) };
  }

  it.each(KNOWN.map((known) => [known.method.name, known] as const))(
    '%s ends within 0.02 nats of the policy that is known to be its best, whatever the seed',
    async (_, { method, settings = {}, end }) => {
      for (const seed of [1, 2, 3, 4, 5]) {
        const { worth, refLogP, logP } = await train(method, settings, seed);
        expect(logP.reduce((sum, log) => sum + Math.exp(log), 0)).toBeCloseTo(1, 4);
        const known = end(refLogP, worth);
        expect(divergence(refLogP, known)).toBeGreaterThan(0.1);
        expect(divergence(logP, known)).toBeLessThan(0.02);
        if (seed < 5) {
          state.optimiser.dispose();
          disposeGpt(state.policy);
          disposeGpt(refPolicy);
        }
      }
      expect(tf.memory().numTensors).toBeGreaterThan(0);
    },
    120_000,
  );
});
