/**
 * One batch of episodes: sample replies with the policy, then score them with everything that PPO needs.
 * InstructGPT (Ouyang et al. 2022), section 3.5; order of the steps as in lm-human-preferences.
 */
import * as tf from '@tensorflow/tfjs-core';
import { batchTensors, padBatch, type BatchTensors, type Lengths } from '../model/batch';
import type { Scoring } from '../model/decoder';
import { generateAll } from '../model/generate';
import type { Gpt } from '../model/gpt';
import { responseLogProbs } from '../model/responseLogProbs';
import { replyScores, type RewardModel } from '../model/rewardHead';
import { someScalars, type ScalarModel } from '../model/scalarHead';
import { k1, sequenceKl } from './kl';

/** Tokens with a meaning of their own. */
export interface ControlTokens {
  /** Ends a response. */
  stop: number;
  pad: number;
}

export interface RolloutModels {
  policy: Gpt;
  refPolicy: Gpt;
  /** None where replies are scored otherwise. */
  rewardModel: RewardModel | null;
  valueModel: ScalarModel;
}

export interface SamplingRequest {
  temperature: number;
  maxNewTokens: number;
  seed: number;
  /** 0, and off, unless given. */
  topK?: number;
  /** The policy's own logits unless given. */
  scoring?: Scoring;
  signal?: AbortSignal;
  lengths?: Lengths;
}

/** Samples one response a prompt, from the untruncated policy: top-k or top-p would make another policy of it. */
export async function sampleResponses(
  policy: Gpt,
  prompts: readonly number[][],
  tokens: ControlTokens,
  sampling: SamplingRequest,
): Promise<{ responses: number[][]; finished: boolean[] }> {
  return generateAll(policy, prompts, { topK: 0, ...sampling, topP: 1, stopToken: tokens.stop, padToken: tokens.pad });
}

/** What the models say of B responses of R tokens. What is outside the mask means nothing. */
export interface EpisodeScores {
  /** [B, R] under the policy that sampled, at the sampling temperature */
  oldLogProbs: tf.Tensor2D;
  /** [B, R] under the reference policy */
  refLogProbs: tf.Tensor2D;
  /** [B, R] of the value model; the value at a position is that of the state before its token */
  oldValues: tf.Tensor2D;
  /** [B, R] of the policy's next-token distribution, nats */
  entropies: tf.Tensor2D;
  /** [B] of the normalised reward model, before any penalty; 0 without one */
  scores: tf.Tensor1D;
}

/**
 * The passes of all four models over a batch.
 * @param inputs the batch, and `poolingWeights` [B, P + R] of it
 * @param kept [B R, C] what the policy's last states are multiplied by: dropout, which does not belong here
 */
export function scoreEpisodes(
  { policy, refPolicy, rewardModel, valueModel }: RolloutModels,
  { ids, start, responseMask, pooling }: BatchTensors & { pooling: tf.Tensor2D },
  temperature: number,
  kept?: tf.Tensor,
): EpisodeScores {
  const promptLength = ids.shape[1] - responseMask.shape[1];
  const mask = responseMask;
  const old = responseLogProbs(policy, ids, start, promptLength, temperature, { mask, ...(kept && { kept }) });
  const ref = responseLogProbs(refPolicy, ids, start, promptLength, temperature, { mask });
  return {
    oldLogProbs: old.logProbs,
    refLogProbs: ref.logProbs,
    oldValues: stateValues(valueModel, ids, start, promptLength, mask),
    entropies: old.entropy,
    scores: rewardModel ? replyScores(rewardModel, ids, start, pooling, responseMask) : tf.zeros([ids.shape[0]]),
  };
}

/**
 * Values of the states in which the response's tokens were chosen: hidden states P - 1 … P + R - 2.
 * @param mask [B, R] 1 on the response's tokens, where what it leaves out need not be computed
 * @returns [B, R]
 */
export function stateValues(
  model: ScalarModel,
  ids: tf.Tensor2D,
  start: tf.Tensor1D,
  promptLength: number,
  mask?: tf.Tensor2D,
): tf.Tensor2D {
  return someScalars(model, ids, start, promptLength - 1, ids.shape[1] - promptLength, mask);
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
      (gpt) => responseLogProbs(gpt, ids, start, batch.promptLength, temperature, { mask: responseMask }).logProbs,
    ) as [tf.Tensor2D, tf.Tensor2D];
    return sequenceKl(k1(own, ref, responseMask));
  });
  const values = Float32Array.from(await drift.data<'float32'>());
  drift.dispose();
  return values;
}
