/** On WebGPU, what the unit tests hold on WASM and cpu: the sampler is the policy that learns, and nothing leaks. */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../config';
import { startDevice } from '../gpu/device';
import { batchTensors, padBatch } from '../model/batch';
import { generateAll } from '../model/generate';
import { cloneGpt, disposeGpt } from '../model/gpt';
import { responseLogProbs } from '../model/responseLogProbs';
import { disposeRewardModel, rewardModelFrom } from '../model/rewardHead';
import { cloneScalarModel, disposeScalarModel } from '../model/scalarHead';
import { TINY, tinyGpt } from '../model/tinyGpt';
import '../ops/webgpuKernels';
import { AdaptiveKlController } from './adaptiveKlController';
import { ppo, ppoOptimisers, type PpoState } from './ppo';
import { rewardModelOptimiser, trainRewardModel } from './rewardModel';
import { sftOptimiser, superviseFineTune } from './sft';
import type { TrainingStep } from './trainingStep';

const TOKENS = { stop: 0, pad: 1 };
const PROMPTS = [[5], [2, 7, 4, 5, 6, 7, 8], [9, 9, 4], [3, 2]];

describe('training on WebGPU', () => {
  let before = 0;
  beforeAll(async () => {
    await startDevice('webgpu');
    await startDevice('wasm');
  });
  const onWebGpu = async (): Promise<void> => {
    expect(await tf.setBackend('webgpu')).toBe(true);
  };
  beforeEach(async () => {
    await onWebGpu();
    before = tf.memory().numTensors;
  });
  afterEach(() => expect(tf.memory().numTensors).toBe(before));

  it('samples with the log-probs of a training pass, for prompts of different lengths', async () => {
    const gpt = tinyGpt(11);
    const options = {
      temperature: 0.8,
      topK: 0,
      topP: 1,
      maxNewTokens: 12,
      seed: 5,
      stopToken: -1, // never: every reply is as long as it may be
      padToken: TOKENS.pad,
    };
    const { responses, logProbs } = await generateAll(gpt, PROMPTS, options);
    expect(responses.map(({ length }) => length)).toEqual([12, 12, 12, 12]);
    const batch = padBatch(PROMPTS, responses, TOKENS.pad, TINY.context);
    const trained = tf.tidy(() => {
      const { ids, start } = batchTensors(batch);
      return responseLogProbs(gpt, ids, start, batch.promptLength, 0.8).logProbs;
    });
    const values = await trained.data();
    trained.dispose();
    logProbs.forEach((row, b) => {
      row.forEach((logProb, t) => {
        expect(Math.abs(logProb - (values[b * batch.responseLength + t] as number))).toBeLessThan(1e-4);
      });
    });
    disposeGpt(gpt);
  });

  it('keeps every ratio of the first minibatch at 1 over three updates of PPO, and no tensor', async () => {
    const settings = { ...DEFAULT_SETTINGS.ppo, updates: 3, batchSize: 8, minibatchSize: 4, maxNewTokens: 8 };
    const refPolicy = tinyGpt(71);
    const policy = cloneGpt(refPolicy);
    const rewardModel = rewardModelFrom(refPolicy, 1);
    const valueModel = cloneScalarModel(rewardModel);
    const { policyOptimiser, valueOptimiser } = ppoOptimisers(policy, valueModel, settings);
    const klController = new AdaptiveKlController(settings.klCoef, settings.klTarget, settings.klHorizon);
    const models = { policy, refPolicy, rewardModel, valueModel };
    const state: PpoState = { models, policyOptimiser, valueOptimiser, klController, update: 0 };
    let during = 0; // from the first update on, when every step has been recorded
    const run = ppo(state, {
      settings,
      tokens: TOKENS,
      seed: 3,
      promptsOf: () => [...PROMPTS, ...PROMPTS],
      describe: () => ({ prompt: '', reply: '' }),
    });
    let updates = 0;
    for await (const { metrics } of run) {
      if (!metrics) continue;
      updates += 1;
      if (updates === 1) during = tf.memory().numTensors;
      expect(metrics['tokens/responses_len_mean']).toBeGreaterThan(2);
      expect(metrics['val/ratio_first_deviation']).toBeLessThanOrEqual(1e-4);
      expect(metrics['val/ratio']).toBeCloseTo(1, 1); // a step that was refused would give zeros
      expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
      expect(tf.memory().numTensors).toBe(during);
    }
    expect(updates).toBe(3);
    for (const gpt of [policy, refPolicy]) disposeGpt(gpt);
    disposeRewardModel(rewardModel);
    disposeScalarModel(valueModel);
    for (const optimiser of [policyOptimiser, valueOptimiser]) optimiser?.dispose();
  });

  /** The losses of a run on each backend, which begins with the same weights. */
  async function lossesOnBoth(run: () => AsyncGenerator<TrainingStep>): Promise<[number[], number[]]> {
    const losses = async (): Promise<number[]> => {
      const all: number[] = [];
      for await (const { metrics } of run()) all.push(metrics?.['loss'] as number);
      return all;
    };
    const gpu = await losses();
    expect(await tf.setBackend('wasm')).toBe(true);
    const host = await losses();
    await onWebGpu();
    return [gpu, host];
  }

  it('fine-tunes as WASM does, step by step', async () => {
    const examples = PROMPTS.map((prompt, i) => ({ prompt, response: [3 + i, 8, 4 + i, TOKENS.stop].slice(i % 2) }));
    const settings = { examples: 0, epochs: 5, batchSize: 2, learningRate: 0.01 };
    const [gpu, host] = await lossesOnBoth(async function* () {
      const gpt = tinyGpt(42);
      const optimiser = sftOptimiser(gpt);
      yield* superviseFineTune(gpt, optimiser, examples, settings, TOKENS.pad, 1);
      optimiser.dispose();
      disposeGpt(gpt);
    });
    expect(gpu.length).toBe(10);
    gpu.forEach((loss, i) => expect(Math.abs(loss / (host[i] as number) - 1)).toBeLessThan(1e-3));
  });

  it('learns rankings as WASM does, step by step', async () => {
    const rankings = PROMPTS.map((prompt, i) => ({
      prompt,
      replies: [
        [7, 7, TOKENS.stop],
        [2 + i, 7, TOKENS.stop],
        [3, 9 - i, 10, TOKENS.stop],
      ],
      ranks: [1, 2, 3],
    }));
    const settings = { ...DEFAULT_SETTINGS.rewardModel, epochs: 4, rankingsPerStep: 2, learningRate: 0.01 };
    const [gpu, host] = await lossesOnBoth(async function* () {
      const trunk = tinyGpt(51);
      const model = rewardModelFrom(trunk, 3);
      disposeGpt(trunk);
      const optimiser = rewardModelOptimiser(model);
      yield* trainRewardModel(model, optimiser, rankings, settings, TOKENS.pad, 1);
      optimiser.dispose();
      disposeRewardModel(model);
    });
    expect(gpu.length).toBe(8);
    gpu.forEach((loss, i) => expect(Math.abs(loss - (host[i] as number))).toBeLessThan(1e-3 * (host[0] as number)));
  });
});
