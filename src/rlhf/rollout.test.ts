import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { batchTensors, padBatch } from '../model/batch';
import { generateAll } from '../model/generate';
import { disposeGpt } from '../model/gpt';
import { disposeRewardModel, type RewardModel, rewardModelFrom } from '../model/rewardHead';
import { disposeScalarModel, scalarModelFrom, scalars } from '../model/scalarHead';
import { TINY, tinyGpt } from '../model/tinyGpt';
import { poolingWeights, scoreReplies } from './rewardModel';
import { driftOf, type EpisodeScores, type RolloutModels, sampleResponses, scoreEpisodes } from './rollout';

const TOKENS = { stop: 0, pad: 1 };
const PROMPTS = [[5], [2, 7, 4, 5], [9, 9, 4], [3, 2]];
const TEMPERATURE = 0.8;
const SAMPLING = { temperature: TEMPERATURE, maxNewTokens: 9, seed: 3 };

/** What the models say of responses, on the host, with R. */
async function scored(
  models: RolloutModels,
  responses: number[][],
  temperature: number,
): Promise<{ width: number } & Record<keyof EpisodeScores, ArrayLike<number>>> {
  const batch = padBatch(PROMPTS, responses, TOKENS.pad, TINY.context);
  const tensors = tf.tidy(() => {
    const { values, shape } = poolingWeights(batch);
    const inputs = { ...batchTensors(batch), pooling: tf.tensor2d(values, shape as [number, number]) };
    return { ...scoreEpisodes(models, inputs, temperature) };
  });
  const read = async (tensor: tf.Tensor): Promise<ArrayLike<number>> => [...(await tensor.data<'float32'>())];
  const [oldLogProbs, refLogProbs, oldValues, entropies, scores] = await Promise.all([
    read(tensors.oldLogProbs),
    read(tensors.refLogProbs),
    read(tensors.oldValues),
    read(tensors.entropies),
    read(tensors.scores),
  ]);
  tf.dispose(tensors);
  return { width: batch.responseLength, oldLogProbs, refLogProbs, oldValues, entropies, scores };
}

describe.each(['cpu', 'wasm'] as const)('a rollout on %s', (backend) => {
  let models: RolloutModels & { rewardModel: RewardModel };
  let before = 0;
  beforeEach(async () => {
    await startDevice(backend);
    const [policy, refPolicy] = [tinyGpt(61), tinyGpt(62)];
    models = { policy, refPolicy, rewardModel: rewardModelFrom(refPolicy, 1), valueModel: scalarModelFrom(policy, 2) };
    before = tf.memory().numTensors;
  });
  afterEach(() => {
    expect(tf.memory().numTensors).toBe(before);
    for (const gpt of [models.policy, models.refPolicy]) disposeGpt(gpt);
    disposeRewardModel(models.rewardModel);
    disposeScalarModel(models.valueModel);
  });

  it("finds the sampler's own log-probs again", async () => {
    const { responses, logProbs } = await generateAll(models.policy, PROMPTS, {
      ...SAMPLING,
      topK: 0,
      topP: 1,
      stopToken: TOKENS.stop,
      padToken: TOKENS.pad,
    });
    const { oldLogProbs, width } = await scored(models, responses, TEMPERATURE);
    responses.forEach((response, b) => {
      response.forEach((_, t) => {
        const difference = (oldLogProbs[b * width + t] as number) - (logProbs[b]?.[t] as number);
        expect(Math.abs(difference)).toBeLessThan(1e-4);
      });
    });
  });

  it('gives each token the value of the state before it, and each response its score', async () => {
    const { responses } = await sampleResponses(models.policy, PROMPTS, TOKENS, SAMPLING);
    const { oldValues, scores, entropies, width } = await scored(models, responses, TEMPERATURE);
    const expectedScores = await scoreReplies(models.rewardModel, PROMPTS, responses, TOKENS.pad);
    PROMPTS.forEach((prompt, b) => {
      const response = responses[b] as number[];
      const row = tf.tensor2d([[...prompt, ...response]], undefined, 'int32');
      const values = tf.tidy(
        () => scalars(models.valueModel, row, tf.tensor1d([0], 'int32')).arraySync()[0],
      ) as number[];
      row.dispose();
      response.forEach((_, t) => {
        expect(oldValues[b * width + t]).toBeCloseTo(values[prompt.length - 1 + t] as number, 4);
        expect(entropies[b * width + t]).toBeGreaterThan(0);
        expect(entropies[b * width + t]).toBeLessThan(Math.log(13));
      });
      expect(scores[b]).toBeCloseTo(expectedScores[b] as number, 5);
    });
  });

  it('measures the drift as the sum of log-ratios over the response, and none from itself', async () => {
    const { responses } = await sampleResponses(models.policy, PROMPTS, TOKENS, SAMPLING);
    const { oldLogProbs, refLogProbs, width } = await scored(models, responses, 1);
    const drift = await driftOf(models.policy, models.refPolicy, PROMPTS, responses, TOKENS.pad, 1);
    drift.forEach((nats, b) => {
      let sum = 0;
      responses[b]?.forEach((_, t) => {
        sum += (oldLogProbs[b * width + t] as number) - (refLogProbs[b * width + t] as number);
      });
      expect(nats).toBeCloseTo(sum, 4);
    });
    expect([...(await driftOf(models.policy, models.policy, PROMPTS, responses, TOKENS.pad, 1))]).toEqual([0, 0, 0, 0]);
  });
});
