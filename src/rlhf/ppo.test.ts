import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, type PpoSettings } from '../config';
import { CancelledError, InputError, NonFiniteError, RatioError } from '../errors';
import { startDevice } from '../gpu/device';
import { METRICS, metricInfo } from '../metrics';
import { cloneGpt, disposeGpt, type Gpt } from '../model/gpt';
import { disposeRewardModel, rewardModelFrom, type RewardModel } from '../model/rewardHead';
import { cloneScalarModel, disposeScalarModel } from '../model/scalarHead';
import { tinyGpt } from '../model/tinyGpt';
import { FixedKlController, type KlController } from './adaptiveKlController';
import { minibatchesOf, ppo, ppoOptimisers, type PpoRun, type PpoState } from './ppo';
import { normaliseHead, scoreReplies } from './rewardModel';
import { sampleResponses } from './rollout';
import type { TrainingStep } from './trainingStep';

const TOKENS = { stop: 0, pad: 1 };
const SETTINGS: PpoSettings = {
  ...DEFAULT_SETTINGS.ppo,
  updates: 3,
  batchSize: 6,
  minibatchSize: 4,
  maxNewTokens: 6,
  learningRate: 2e-3,
  valueLearningRate: 2e-3,
  adaptiveKl: 0,
};

const promptsOf = (count: number): number[][] => Array.from({ length: count }, (_, i) => [2 + (i % 9), 4].slice(i % 2));

function runOf(settings: PpoSettings, changes: Partial<PpoRun> = {}): PpoRun {
  return {
    settings,
    tokens: TOKENS,
    seed: 7,
    promptsOf: () => promptsOf(settings.batchSize),
    describe: (prompt, response) => ({ prompt: prompt.join(' '), reply: response.join(' ') }),
    ...changes,
  };
}

/** Remembers what it was told. */
class ListeningController implements KlController {
  klCoef = 0.3;
  readonly heard: [number, number][] = [];
  update(observedKl: number, batchSize: number): number {
    this.heard.push([observedKl, batchSize]);
    this.klCoef *= 0.5;
    return this.klCoef;
  }
}

/** The steps that end an update, the others being its phases. */
const updatesOf = (steps: TrainingStep[]): TrainingStep[] => steps.filter(({ metrics }) => metrics);

describe('an epoch of PPO', () => {
  it('learns from every episode once, in minibatches of the size asked for, in an order of its own', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 64 }), fc.nat(), (rows, size, seed) => {
        const minibatches = minibatchesOf(rows, size, seed, 0);
        expect(minibatches.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, row) => row));
        expect(minibatches.slice(0, -1).every(({ length }) => length === size)).toBe(true);
        if (rows > 20) expect(minibatchesOf(rows, size, seed, 1)).not.toEqual(minibatches);
      }),
    ));
});

describe.each(['cpu', 'wasm'] as const)('PPO on %s', (backend) => {
  let state: PpoState;
  let before = 0;
  /** A policy that starts as its reference, and a normalised reward model, whose copy is the value model. */
  async function makeState(
    settings: PpoSettings,
    klController: KlController = new FixedKlController(settings.klCoef),
  ): Promise<PpoState> {
    const refPolicy = tinyGpt(71);
    const policy = cloneGpt(refPolicy);
    const other = tinyGpt(72);
    const rewardModel = rewardModelFrom(other, 1);
    // By the head alone: what random weights find probable would drown what there is to learn.
    tf.tidy(() => rewardModel.likelihood.assign(tf.tensor1d([0])));
    disposeGpt(other);
    const prompts = promptsOf(40);
    const { responses } = await sampleResponses(refPolicy, prompts, TOKENS, {
      temperature: 1,
      maxNewTokens: 6,
      seed: 1,
    });
    normaliseHead(rewardModel, await scoreReplies(rewardModel, prompts, responses, TOKENS.pad));
    const valueModel = cloneScalarModel(rewardModel);
    const { policyOptimiser, valueOptimiser } = ppoOptimisers(policy, valueModel, settings);
    return {
      models: { policy, refPolicy, rewardModel, valueModel },
      policyOptimiser,
      valueOptimiser,
      klController,
      update: 0,
    };
  }

  function disposeState({ models, policyOptimiser, valueOptimiser }: PpoState): void {
    for (const gpt of [models.policy, models.refPolicy]) disposeGpt(gpt);
    disposeRewardModel(models.rewardModel as RewardModel);
    disposeScalarModel(models.valueModel);
    for (const optimiser of [policyOptimiser, valueOptimiser]) optimiser?.dispose();
  }

  beforeEach(async () => {
    await startDevice(backend);
    before = tf.memory().numTensors;
  });
  afterEach(() => {
    disposeState(state);
    expect(tf.memory().numTensors).toBe(before);
  });

  /** Runs to the end; `at` may meddle between two steps. */
  async function all(
    settings: PpoSettings,
    changes: Partial<PpoRun> = {},
    at: (step: TrainingStep) => void = () => undefined,
  ): Promise<TrainingStep[]> {
    const steps: TrainingStep[] = [];
    for await (const step of ppo(state, runOf(settings, changes))) {
      steps.push(step);
      at(step);
    }
    return steps;
  }

  const disturb = (variable: tf.Variable | undefined, by: number): void =>
    tf.tidy(() => variable?.assign(tf.add(variable, by)));
  const wte = (gpt: Gpt): tf.Variable | undefined => gpt.parameters.get('transformer.wte.weight');

  it('reports all that is known of PPO and nothing else, consistently, and leaves no tensor behind', async () => {
    state = await makeState(SETTINGS);
    const [start, during] = [tf.memory().numTensors, new Set<number>()];
    const judge = () => ({ 'val/gold': 0.5, 'val/gold_right': 0.25 });
    const steps = await all(SETTINGS, { judge }, ({ metrics }) => {
      if (metrics) during.add(tf.memory().numTensors);
    });
    expect([...during]).toEqual([start + 1]); // the experience of the update
    expect(tf.memory().numTensors).toBe(start);
    expect(steps.map(({ step, phase }) => `${step} ${phase}`).slice(0, 5)).toEqual([
      '1 sampling replies',
      '1 scoring replies',
      '1 learning',
      '1 learning',
      '2 sampling replies',
    ]);
    const updates = updatesOf(steps);
    expect(updates.length).toBe(3);
    updates.forEach(({ metrics, samples, step }) => {
      const m = metrics as Record<string, number>;
      expect(Object.keys(m).sort()).toEqual(Object.keys(METRICS.ppo).sort());
      for (const key of Object.keys(m)) expect(metricInfo('ppo', key), key).toBeDefined();
      expect(m['val/ratio_first_deviation']).toBeLessThanOrEqual(1e-4);
      expect(m['val/ratio_deviation']).toBeGreaterThan(m['val/ratio_first_deviation'] as number);
      expect(m['objective/rlhf_reward']).toBeCloseTo(
        (m['objective/scores'] as number) + (m['objective/non_score_reward'] as number),
        5,
      );
      expect(m['objective/non_score_reward']).toBeCloseTo(-SETTINGS.klCoef * (m['objective/kl'] as number), 5);
      expect(m['val/advantages_mean']).toBeCloseTo(0, 5);
      expect(m['val/advantages_std']).toBeCloseTo(1, 5);
      expect(m['episode']).toBe(step * SETTINGS.batchSize);
      expect(m['lr']).toBeCloseTo(SETTINGS.learningRate * (1 - (step - 1) / 3), 8);
      expect(samples?.length).toBe(4);
      for (const { total, score, kl } of samples ?? []) expect(total).toBeCloseTo(score - SETTINGS.klCoef * kl, 5);
    });
    // The policy begins as the reference policy.
    expect(Math.abs(updates[0]?.metrics?.['objective/kl'] as number)).toBeLessThan(1e-4);
    expect(Math.abs(updates[2]?.metrics?.['objective/kl'] as number)).toBeGreaterThan(1e-4);
  });

  /** The numbers of the first update under a mistake of a lesson, with a batch whose surprise is no accident. */
  async function firstUpdate(mistake: Partial<PpoSettings>): Promise<Record<string, number>> {
    const settings = { ...SETTINGS, updates: 1, batchSize: 128, minibatchSize: 128, ...mistake };
    state = await makeState(settings);
    return updatesOf(await all(settings))[0]?.metrics as Record<string, number>;
  }

  it('is surprised by its own words as much as it expects, unless only the likely ones are sampled', async () => {
    expect(Math.abs((await firstUpdate({}))['val/surprise_gap'] as number)).toBeLessThan(0.5);
    disposeState(state);
    expect((await firstUpdate({ topK: 2 }))['val/surprise_gap']).toBeLessThan(-2);
  });

  it('goes on where dropout makes the ratios of the first minibatch differ, and reports by how much', async () => {
    const metrics = await firstUpdate({ scoringDropout: 0.3 });
    expect(metrics['val/ratio_first_deviation']).toBeGreaterThan(0.01);
    expect(metrics['objective/kl']).not.toBeCloseTo(0, 2);
  });

  it('whitens the tokens of replies alone, unless padding is taken for tokens', async () => {
    const metrics = await firstUpdate({ whitenPadding: 1 });
    expect(Math.abs((metrics['val/advantages_std'] as number) - 1)).toBeGreaterThan(0.02);
  });

  it('is paid the score times what the settings say', async () => {
    const one = (await firstUpdate({ missingEosPenalty: 0 }))['objective/scores'] as number;
    disposeState(state);
    const turned = (await firstUpdate({ missingEosPenalty: 0, scoreScale: -2 }))['objective/scores'] as number;
    expect(turned).toBeCloseTo(-2 * one, 4);
  });

  it('takes shorter steps, the larger epsilon is', async () => {
    const ordinary = (await firstUpdate({ ppoEpochs: 4 }))['policy/approxkl_avg'] as number;
    disposeState(state);
    expect((await firstUpdate({ ppoEpochs: 4, adamEpsilon: 1 }))['policy/approxkl_avg']).toBeLessThan(0.01 * ordinary);
  });

  it('stops where the policy that learns is not the one that sampled', async () => {
    state = await makeState(SETTINGS);
    const stale = all(SETTINGS, {}, ({ step, phase, metrics }) => {
      if (step === 2 && phase === 'learning' && !metrics)
        disturb(state.models.policy.parameters.get('transformer.ln_f.weight'), 0.05);
    });
    await expect(stale).rejects.toThrow(RatioError);
    expect(state.update).toBe(1);
  });

  it.each(['policy', 'value model'] as const)('stops where the %s is not a number', async (which) => {
    state = await makeState(SETTINGS);
    const broken = which === 'policy' ? wte(state.models.policy) : state.models.valueModel.bias;
    const run = all(SETTINGS, {}, ({ phase }) => {
      if (phase === 'learning') disturb(broken, NaN);
    });
    await expect(run).rejects.toThrow(NonFiniteError);
    expect(state.update).toBe(0);
  });

  it.each([0.5, 1])('refuses a dual clip of %d, at which bad tokens lose their gradient at once', async (dualClip) => {
    state = await makeState(SETTINGS);
    await expect(all({ ...SETTINGS, dualClip })).rejects.toThrow(InputError);
    expect(state.update).toBe(0);
  });

  it('tells the controller the drift of each update, and charges what it answers in the next', async () => {
    const settings = { ...SETTINGS, adaptiveKl: 1 };
    const controller = new ListeningController();
    state = await makeState(settings, controller);
    const updates = updatesOf(await all(settings));
    expect(controller.heard).toEqual(updates.map(({ metrics }) => [metrics?.['objective/kl'], SETTINGS.batchSize]));
    expect(updates.map(({ metrics }) => metrics?.['objective/kl_coef'])).toEqual([0.3, 0.15, 0.075]);
  });

  it('leaves the controller alone where the leash is fixed', async () => {
    const controller = new ListeningController();
    state = await makeState(SETTINGS, controller);
    await all({ ...SETTINGS, updates: 1 });
    expect(controller.heard).toEqual([]);
  });

  it('stops sampling when it is told to, with the weights as they were', async () => {
    state = await makeState(SETTINGS);
    const weights = [...(wte(state.models.policy) as tf.Variable).dataSync()];
    const controller = new AbortController();
    controller.abort();
    await expect(all(SETTINGS, { signal: controller.signal })).rejects.toThrow(CancelledError);
    expect([...(wte(state.models.policy) as tf.Variable).dataSync()]).toEqual(weights);
  });

  // Laws that take long are examined on one backend.
  if (backend === 'wasm') {
    it('with the same seed gives the same weights and numbers, and others with another', async () => {
      const settings = { ...SETTINGS, updates: 2 };
      const result = async (seed: number): Promise<unknown> => {
        state = await makeState(settings);
        const metrics = updatesOf(await all(settings, { seed })).map((step) => step.metrics);
        const weights = [wte(state.models.policy), state.models.valueModel.weight].map((variable) => [
          ...(variable as tf.Variable).dataSync(),
        ]);
        disposeState(state);
        return { metrics, weights };
      };
      const [first, second, other] = [await result(7), await result(7), await result(8)];
      expect(second).toEqual(first);
      expect(other).not.toEqual(first);
      state = await makeState(settings);
    });

    it('teaches the value model what is to come', async () => {
      // Nearly greedy and with the policy at rest, so that the same prompt brings the same reward again.
      const settings = {
        ...SETTINGS,
        updates: 8,
        batchSize: 16,
        minibatchSize: 8,
        vfCoef: 1,
        learningRate: 0,
        temperature: 0.05,
      };
      state = await makeState(settings);
      const updates = updatesOf(await all({ ...settings, valueLearningRate: 0.005 }));
      const foreseen = updates.map(({ metrics }) => metrics?.['val/explained_variance'] as number);
      expect(foreseen[0]).toBeLessThan(0);
      expect(foreseen.at(-1)).toBeGreaterThan(0.7);
    });

    it('goes on from the update that it had reached', async () => {
      state = await makeState(SETTINGS);
      for await (const { metrics } of ppo(state, runOf(SETTINGS))) if (metrics) break;
      expect(state.update).toBe(1);
      expect(updatesOf(await all(SETTINGS)).map(({ step }) => step)).toEqual([2, 3]);
    });
  }

  it('takes the penalty off the score of each reply that did not stop', async () => {
    const settings = { ...SETTINGS, updates: 1, maxNewTokens: 2, missingEosPenalty: 3 };
    state = await makeState(settings);
    const [update] = updatesOf(await all(settings, { promptsOf: () => promptsOf(4) }));
    const { 'objective/scores': scores, 'val/num_eos_tokens': stopped } = update?.metrics as Record<string, number>;
    const raw = (update?.samples ?? []).reduce((sum, { score }) => sum + score, 0) / 4;
    expect(scores).toBeCloseTo(raw - (3 * (4 - (stopped as number))) / 4, 4);
    expect(stopped).toBeLessThan(4); // or the test shows nothing
  });
});

describe('PPO', () => {
  it('raises the score that it is paid for', async () => {
    await startDevice('wasm');
    const settings: PpoSettings = {
      ...SETTINGS,
      updates: 14,
      batchSize: 32,
      minibatchSize: 16,
      klCoef: 0.02,
      learningRate: 6e-3,
    };
    const refPolicy = tinyGpt(71);
    const policy = cloneGpt(refPolicy);
    const rewardModel: RewardModel = rewardModelFrom(refPolicy, 4);
    const prompts = promptsOf(64);
    const { responses } = await sampleResponses(refPolicy, prompts, TOKENS, {
      temperature: 1,
      maxNewTokens: 6,
      seed: 1,
    });
    normaliseHead(rewardModel, await scoreReplies(rewardModel, prompts, responses, TOKENS.pad));
    const valueModel = cloneScalarModel(rewardModel);
    const { policyOptimiser, valueOptimiser } = ppoOptimisers(policy, valueModel, settings);
    const state: PpoState = {
      models: { policy, refPolicy, rewardModel, valueModel },
      policyOptimiser,
      valueOptimiser,
      klController: new FixedKlController(settings.klCoef),
      update: 0,
    };
    const scores: number[] = [];
    for await (const { metrics } of ppo(state, runOf({ ...settings, missingEosPenalty: 0 }))) {
      if (metrics) scores.push(metrics['objective/scores'] as number);
    }
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(scores.slice(-3)) - mean(scores.slice(0, 2))).toBeGreaterThan(0.5);
    for (const gpt of [policy, refPolicy]) disposeGpt(gpt);
    disposeRewardModel(rewardModel);
    disposeScalarModel(valueModel);
    for (const optimiser of [policyOptimiser, valueOptimiser]) optimiser?.dispose();
  });
});
