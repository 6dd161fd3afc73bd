import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { batchTensors, padBatch } from '../model/batch';
import { cloneGpt, disposeGpt, type Gpt } from '../model/gpt';
import { gradientsOf } from '../model/lossGradients';
import { responseLogProbs } from '../model/responseLogProbs';
import { tinyGpt } from '../model/tinyGpt';
import { FixedKlController } from './adaptiveKlController';
import { policyGradient, policyGradientOptimiser, type PolicyGradientMethod } from './policyGradient';
import { REINFORCE } from './reinforce';
import { RLOO } from './rloo';
import { LANGUAGE, logLikelihoods, LONGEST, PAD, PROMPT, REPLIES, tasteOf, tinyRun } from './tinyLanguage';

const [SEED, BETA, SAMPLES] = [3, 0.7, 4096];

/** ∇ log p of each of the N replies, flat. */
function scoresOf(gpt: Gpt): Float32Array[] {
  return REPLIES.map((reply) => {
    const batch = padBatch([[...PROMPT]], [[...reply]], PAD, gpt.shape.context);
    const { ids, start, responseMask } = batchTensors(batch);
    const { loss, gradients } = gradientsOf(gpt.parameters, () => {
      const { logProbs } = responseLogProbs(gpt, ids, start, batch.promptLength, 1);
      return tf.sum(tf.mul(logProbs, responseMask));
    });
    const flat = Float32Array.from([...gradients.values()].flatMap((one) => [...one.dataSync()]));
    tf.dispose([loss, ids, start, responseMask, ...gradients.values()]);
    return flat;
  });
}

/** The gradient that one update of a method takes: what Adam's first moment, of zero before, has of it. */
async function sampledGradient(policy: Gpt, refPolicy: Gpt, method: PolicyGradientMethod): Promise<Float32Array> {
  const grouped = method.leastReplies > 1;
  const settings = {
    ...method.defaults,
    ...{ updates: 1, epochs: 1, prompts: grouped ? 1 : SAMPLES, replies: grouped ? SAMPLES : 1 },
    ...{ minibatchSize: SAMPLES, learningRate: 0, klCoef: BETA, maxGradNorm: Infinity },
    ...{ maxNewTokens: LONGEST, missingEosPenalty: 0 },
  };
  const optimiser = policyGradientOptimiser(policy, settings);
  const klController = new FixedKlController(BETA);
  const state = { policy, refPolicy, optimiser, klController, update: 0, memory: {} };
  const run = { method, settings, ...tinyRun(SEED, settings.prompts, tasteOf(SEED)) };
  for await (const _ of policyGradient(state, run));
  const moments = optimiser.moments();
  const share = 1 - optimiser.options.beta1;
  const names = [...policy.parameters.keys()];
  const flat = names.flatMap((name) => [...moments.get(`adam.m.${name}`)!.dataSync()].map((m) => m / share));
  optimiser.dispose();
  return Float32Array.from(flat);
}

describe('in a language whose replies can all be listed', () => {
  it.each([RLOO, REINFORCE].map((method) => [method.name, method] as const))(
    'the first step of %s is along the gradient of E[r] - beta KL, within what its sample leaves to chance',
    async (_, method) => {
      await startDevice('wasm');
      const refPolicy = tinyGpt(SEED, LANGUAGE);
      const policy = tinyGpt(SEED + 1, LANGUAGE); // another, so that the KL has a gradient
      const [logP, refLogP] = [await logLikelihoods(policy), await logLikelihoods(refPolicy)];
      const [p, worth, scores] = [logP.map(Math.exp), tasteOf(SEED), scoresOf(policy)];
      const tuned = cloneGpt(policy);
      const sampled = await sampledGradient(tuned, refPolicy, method);
      /** Largest |z| of a coordinate, against the loss gradient -Σ p (R - E R) ∇ log p with R = r - beta log(p / ref). */
      const farthest = (beta: number): number => {
        const paid = worth.map((own, n) => own - beta * (logP[n]! - refLogP[n]!));
        const baseline = paid.reduce((sum, own, n) => sum + p[n]! * own, 0);
        let most = 0;
        sampled.forEach((own, i) => {
          let [mean, square] = [0, 0];
          REPLIES.forEach((_reply, n) => {
            const each = -(paid[n]! - baseline) * scores[n]![i]!;
            mean += p[n]! * each;
            square += p[n]! * each ** 2;
          });
          const deviation = Math.sqrt(Math.max(0, square - mean ** 2) / SAMPLES);
          if (deviation > 1e-5) most = Math.max(most, Math.abs(own - mean) / deviation);
        });
        return most;
      };
      expect(farthest(BETA)).toBeLessThan(5);
      expect(farthest(0)).toBeGreaterThan(10); // without the KL it is another gradient
      [policy, tuned, refPolicy].forEach(disposeGpt);
    },
    120_000,
  );
});
