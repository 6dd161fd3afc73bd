import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { generateAll } from '../model/generate';
import { disposeGpt } from '../model/gpt';
import { disposeRewardModel, rewardModelFrom } from '../model/rewardHead';
import { disposeScalarModel, scalarModelFrom, scalars } from '../model/scalarHead';
import { tinyGpt } from '../model/tinyGpt';
import { scoreReplies } from './rewardModel';
import { driftOf, type RolloutModels, sampleResponses, scoreEpisodes } from './rollout';

const TOKENS = { stop: 0, pad: 1 };
const PROMPTS = [[5], [2, 7, 4, 5], [9, 9, 4], [3, 2]];
const TEMPERATURE = 0.8;
const SAMPLING = { temperature: TEMPERATURE, maxNewTokens: 9, seed: 3 };

describe.each(['cpu', 'wasm'] as const)('a rollout on %s', (backend) => {
  let models: RolloutModels;
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

  it("finds the sampler's own log-probs again, and 0 beyond each response", async () => {
    const { responses, logProbs, finished } = await generateAll(models.policy, PROMPTS, {
      ...SAMPLING,
      topK: 0,
      topP: 1,
      stopToken: TOKENS.stop,
      padToken: TOKENS.pad,
    });
    const episodes = await scoreEpisodes(models, PROMPTS, { responses, finished }, TOKENS, TEMPERATURE);
    const width = episodes.batch.responseLength;
    responses.forEach((response, b) => {
      for (let t = 0; t < width; t++) {
        const expected = t < response.length ? (logProbs[b]?.[t] as number) : 0;
        expect(Math.abs((episodes.oldLogProbs[b * width + t] as number) - expected)).toBeLessThan(1e-4);
        if (t >= response.length) {
          expect(
            [episodes.refLogProbs, episodes.oldValues].map((all) => Math.abs(all[b * width + t] as number)),
          ).toEqual([0, 0]);
        }
      }
    });
  });

  it('gives each token the value of the state before it, and each response its score', async () => {
    const sampled = await sampleResponses(models.policy, PROMPTS, TOKENS, SAMPLING);
    const { oldValues, scores, batch, entropies } = await scoreEpisodes(models, PROMPTS, sampled, TOKENS, TEMPERATURE);
    const expectedScores = await scoreReplies(models.rewardModel, PROMPTS, sampled.responses, TOKENS.pad);
    PROMPTS.forEach((prompt, b) => {
      const response = sampled.responses[b] as number[];
      const row = tf.tensor2d([[...prompt, ...response]], undefined, 'int32');
      const values = tf.tidy(
        () => scalars(models.valueModel, row, tf.tensor1d([0], 'int32')).arraySync()[0],
      ) as number[];
      row.dispose();
      response.forEach((_, t) => {
        expect(oldValues[b * batch.responseLength + t]).toBeCloseTo(values[prompt.length - 1 + t] as number, 4);
      });
      expect(scores[b]).toBeCloseTo(expectedScores[b] as number, 5);
      expect(entropies[b]).toBeGreaterThan(0);
      expect(entropies[b]).toBeLessThan(Math.log(13));
    });
  });

  it('measures the drift as the sum of log-ratios over the response, and none from itself', async () => {
    const { responses, finished } = await sampleResponses(models.policy, PROMPTS, TOKENS, SAMPLING);
    const { oldLogProbs, refLogProbs, batch } = await scoreEpisodes(
      models,
      PROMPTS,
      { responses, finished },
      TOKENS,
      1,
    );
    const drift = await driftOf(models.policy, models.refPolicy, PROMPTS, responses, TOKENS.pad, 1);
    drift.forEach((nats, b) => {
      let sum = 0;
      for (let t = 0; t < batch.responseLength; t++) {
        const i = b * batch.responseLength + t;
        sum += (oldLogProbs[i] as number) - (refLogProbs[i] as number);
      }
      expect(nats).toBeCloseTo(sum, 4);
    });
    expect([...(await driftOf(models.policy, models.policy, PROMPTS, responses, TOKENS.pad, 1))]).toEqual([0, 0, 0, 0]);
  });
});
