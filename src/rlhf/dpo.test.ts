import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NonFiniteError } from '../errors';
import { startDevice } from '../gpu/device';
import { batchInputs } from '../model/batch';
import { disposeGpt, type Gpt } from '../model/gpt';
import { tinyGpt } from '../model/tinyGpt';
import { dpo, dpoInputs, type DpoSettings, type DpoState, dpoState, dpoStep, dpoSteps, logLikelihoodStep } from './dpo';
import { conservativeDpoLoss, dpoLoss } from './preferenceLosses';
import { rankingBatch, type TokenisedRanking } from './rewardModel';
import type { TrainingStep } from './trainingStep';

const [STOP, PAD, GOOD] = [0, 1, 7];
const SETTINGS: DpoSettings = {
  epochs: 4,
  rankingsPerStep: 4,
  learningRate: 3e-3,
  beta: 0.3,
  labelSmoothing: 0,
  guardCoef: 0,
};

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

describe.each(['cpu', 'wasm'] as const)('DPO on %s', (backend) => {
  let reference: Gpt;
  let state: DpoState;
  let before = 0;
  beforeEach(async () => {
    await startDevice(backend);
    before = tf.memory().numTensors;
    reference = tinyGpt(51);
    state = dpoState(reference);
  });
  afterEach(() => {
    state.optimiser.dispose();
    disposeGpt(state.policy);
    disposeGpt(reference);
    expect(tf.memory().numTensors).toBe(before);
  });

  async function train(list: TokenisedRanking[], settings: DpoSettings): Promise<TrainingStep[]> {
    const steps: TrainingStep[] = [];
    for await (const step of dpo(state, list, settings, PAD, 1)) steps.push(step);
    return steps;
  }

  async function likelihoods(gpt: Gpt, list: TokenisedRanking[], repliesEach: number): Promise<Float32Array> {
    const step = logLikelihoodStep(gpt);
    const [values] = await step.read(batchInputs(rankingBatch(list, repliesEach, PAD, gpt.shape.context)));
    step.dispose();
    return values as Float32Array;
  }

  it('begins at ln 2, with rewards of 0, and orders the rankings that it learns', async () => {
    const list = rankings(12);
    const steps = await train(list, SETTINGS);
    expect(steps.length).toBe(dpoSteps(list.length, SETTINGS));
    expect(steps[0]?.metrics?.['loss']).toBeCloseTo(Math.LN2, 5);
    expect(steps[0]?.metrics?.['rewards/margins']).toBeCloseTo(0, 5);
    const last = steps.at(-1)?.metrics;
    expect(last?.['loss']).toBeLessThan(0.5);
    expect(last?.['rewards/accuracies']).toBeGreaterThan(0.9);
    expect(last?.['rewards/chosen']).toBeGreaterThan(last?.['rewards/rejected'] as number);
  });

  it.each([0, 0.1])('has the loss of the papers on pairs, with labels wrong with a chance of %f', async (smoothing) => {
    const list = rankings(5, 2);
    await train(rankings(8, 2), SETTINGS); // away from the reference
    const [own, ref] = [await likelihoods(state.policy, list, 2), await likelihoods(reference, list, 2)];
    const step = dpoStep(state.policy, state.optimiser, SETTINGS);
    const ranks = list.map((ranking) => ranking.ranks);
    const batch = rankingBatch(list, 2, PAD, reference.shape.context);
    const [rewards, losses] = await step.read({
      ...dpoInputs(batch, ranks, 2, smoothing),
      refLogProbs: { values: ref, shape: [batch.rows] },
      numbers: { values: state.optimiser.advance(0), shape: [3] },
    });
    step.dispose();
    const expected = tf.tidy(() => {
      const column = (values: Float32Array, k: number): tf.Tensor1D =>
        tf.tensor1d(values.filter((_, i) => i % 2 === k));
      const logProbs = {
        chosen: column(own, 1),
        rejected: column(own, 0),
        refChosen: column(ref, 1),
        refRejected: column(ref, 0),
      };
      const loss = smoothing > 0 ? conservativeDpoLoss(logProbs, 0.3, smoothing) : dpoLoss(logProbs, 0.3);
      return tf.mean(loss).dataSync()[0] as number;
    });
    expect(losses?.[0]).toBeCloseTo(expected, 5);
    own.forEach((logProb, i) => expect(rewards?.[i]).toBeCloseTo(0.3 * (logProb - (ref[i] as number)), 4));
    expect(Math.abs(expected - Math.LN2)).toBeGreaterThan(0.01);
  });

  it('holds on to the chosen replies with the guard, and loses them without', async () => {
    const list = rankings(12, 2);
    const change = async (guardCoef: number): Promise<number> => {
      await train(list, { ...SETTINGS, guardCoef, learningRate: 1e-2, epochs: 6 });
      const [own, ref] = [await likelihoods(state.policy, list, 2), await likelihoods(reference, list, 2)];
      const gains = Array.from(own, (logProb, i) => logProb - (ref[i] as number)).filter((_, i) => i % 2 === 1);
      return gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
    };
    const without = await change(0);
    state.optimiser.dispose();
    disposeGpt(state.policy);
    state = dpoState(reference);
    expect(await change(1)).toBeGreaterThan(without + 0.5);
  });

  it('says so where a loss is no number', async () => {
    const weight = [...state.policy.parameters.values()][0] as tf.Variable;
    tf.tidy(() => weight.assign(tf.fill(weight.shape, NaN)));
    await expect(train(rankings(4), SETTINGS)).rejects.toThrow(NonFiniteError);
  });
});
