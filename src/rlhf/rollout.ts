/**
 * One batch of episodes: sample replies with the policy, then score them with everything that PPO needs.
 * InstructGPT (Ouyang et al. 2022), section 3.5; order of the steps as in lm-human-preferences.
 */
import * as tf from '@tensorflow/tfjs-core';
import { lengthMultiple, Step } from '../gpu/step';
import { batchInputs, batchTensors, padBatch, type Batch, type BatchInput, type Lengths } from '../model/batch';
import { generateAll } from '../model/generate';
import type { Gpt } from '../model/gpt';
import { responseLogProbs } from '../model/responseLogProbs';
import { replyScores, rewardParameters, type RewardModel } from '../model/rewardHead';
import { scalarParameters, someScalars, type ScalarModel } from '../model/scalarHead';
import { k1, sequenceKl } from './kl';
import { poolingWeights } from './rewardModel';

/** Tokens with a meaning of their own. */
export interface ControlTokens {
  /** Ends a response. */
  stop: number;
  pad: number;
}

export interface Episodes {
  batch: Batch;
  responses: number[][];
  /** [B] whether the response ended with the stop token */
  finished: boolean[];
  /** [B, R] under the policy that sampled, at the sampling temperature; 0 outside the mask */
  oldLogProbs: Float32Array;
  /** [B, R] under the reference policy */
  refLogProbs: Float32Array;
  /** [B, R] of the value model; the value at a position is that of the state before its token */
  oldValues: Float32Array;
  /** [B] mean entropy of the policy over the response, nats a token */
  entropies: Float32Array;
  /** [B] of the normalised reward model, before any penalty */
  scores: Float32Array;
}

export interface RolloutModels {
  policy: Gpt;
  refPolicy: Gpt;
  rewardModel: RewardModel;
  valueModel: ScalarModel;
}

/** Samples one response a prompt, from the untruncated policy: top-k or top-p would make another policy of it. */
export async function sampleResponses(
  policy: Gpt,
  prompts: readonly number[][],
  tokens: ControlTokens,
  sampling: { temperature: number; maxNewTokens: number; seed: number; signal?: AbortSignal; lengths?: Lengths },
): Promise<{ responses: number[][]; finished: boolean[] }> {
  return generateAll(policy, prompts, { ...sampling, topK: 0, topP: 1, stopToken: tokens.stop, padToken: tokens.pad });
}

/**
 * The passes of all four models over a batch, in one step.
 * Gives log-probs of the policy and of the reference, values, and entropies, [B, R] each, of which those outside the mask
 * mean nothing, and the scores [B].
 */
export function scoringStep(models: RolloutModels, temperature: number): Step<BatchInput | 'pooling'> {
  const { policy, refPolicy, rewardModel, valueModel } = models;
  return new Step(
    'scoring',
    (inputs) => {
      const [ids, pooling, responseMask] = [inputs.ids, inputs.pooling, inputs.responseMask] as tf.Tensor2D[] as [
        tf.Tensor2D,
        tf.Tensor2D,
        tf.Tensor2D,
      ];
      const start = inputs.start as tf.Tensor1D;
      const promptLength = ids.shape[1] - responseMask.shape[1];
      const old = responseLogProbs(policy, ids, start, promptLength, temperature);
      const ref = responseLogProbs(refPolicy, ids, start, promptLength, temperature);
      const values = stateValues(valueModel, ids, start, promptLength);
      const scores = replyScores(rewardModel, ids, start, pooling, responseMask);
      return [old.logProbs, ref.logProbs, values, old.entropy, scores];
    },
    () => [
      ...policy.parameters.values(),
      ...refPolicy.parameters.values(),
      ...rewardParameters(rewardModel).values(),
      ...scalarParameters(valueModel).values(),
    ],
  );
}

/**
 * Scores responses with all four models.
 * @param scoring of these models, where many batches are scored
 * @param lengths of the rows
 */
export async function scoreEpisodes(
  models: RolloutModels,
  prompts: readonly number[][],
  { responses, finished }: { responses: number[][]; finished: boolean[] },
  tokens: ControlTokens,
  temperature: number,
  scoring?: ReturnType<typeof scoringStep>,
  lengths: Lengths = { multiple: lengthMultiple() },
): Promise<Episodes> {
  const batch = padBatch(prompts, responses, tokens.pad, models.policy.shape.context, lengths);
  const { rows, responseLength } = batch;
  const step = scoring ?? scoringStep(models, temperature);
  const read = await step.read({ ...batchInputs(batch), pooling: poolingWeights(batch) });
  const [oldLogProbs, refLogProbs, oldValues, entropy, scores] = read as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  if (!scoring) step.dispose();
  const masked = (values: Float32Array): Float32Array =>
    values.map((value, i) => (batch.responseMask[i] === 0 ? 0 : value));
  const entropies = Float32Array.from({ length: rows }, (_, b) => {
    let sum = 0;
    const { length } = responses[b] as number[];
    for (let t = 0; t < length; t++) sum += entropy[b * responseLength + t] as number;
    return sum / length;
  });
  return {
    batch,
    responses,
    finished,
    oldLogProbs: masked(oldLogProbs),
    refLogProbs: masked(refLogProbs),
    oldValues: masked(oldValues),
    entropies,
    scores,
  };
}

/**
 * Values of the states in which the response's tokens were chosen: hidden states P - 1 … P + R - 2.
 * @returns [B, R]
 */
export function stateValues(
  model: ScalarModel,
  ids: tf.Tensor2D,
  start: tf.Tensor1D,
  promptLength: number,
): tf.Tensor2D {
  return someScalars(model, ids, start, promptLength - 1, ids.shape[1] - promptLength);
}

/**
 * Sum over each response of log pi - log ref (k1), in nats.
 * @returns [B]
 */
export async function driftOf(
  policy: Gpt,
  refPolicy: Gpt,
  prompts: readonly number[][],
  responses: readonly number[][],
  pad: number,
  temperature: number,
): Promise<Float32Array> {
  const batch = padBatch(prompts, responses, pad, policy.shape.context);
  const drift = tf.tidy(() => {
    const { ids, start, responseMask } = batchTensors(batch);
    const [own, ref] = [policy, refPolicy].map(
      (gpt) => responseLogProbs(gpt, ids, start, batch.promptLength, temperature).logProbs,
    ) as [tf.Tensor2D, tf.Tensor2D];
    return sequenceKl(k1(own, ref, responseMask));
  });
  const values = Float32Array.from(await drift.data<'float32'>());
  drift.dispose();
  return values;
}
