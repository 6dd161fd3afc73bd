/**
 * The reward model: a scalar model whose score of a reply also weighs how probable the reply is to its own trunk.
 *
 *   r(x, y) = mean over t of s(h_t) + u log p(y | x),   log p(y | x) = sum over t of log p(y_t | x, y_<t)
 *
 * s is the scalar head, p the trunk's own language model head, both of one pass; u is learned with the rest.
 *
 * Our deviation from Stiennon et al. 2020 and InstructGPT, where the score is s at the last token alone. A small
 * language model knows facts as predictions: it expects "the mill" before it reads it, and two layers later nothing of
 * the expectation is left to hold the word against. log p says it directly. (A DPO-trained policy is such a reward model
 * with s = 0: Rafailov et al. 2023, equation 5, without the reference.) The last token does not do at this size either:
 * `<|end|>` also ends documents in pretraining, so its state keeps little of the reply. Figures are in src/README.md.
 */
import * as tf from '@tensorflow/tfjs-core';
import { replyScore } from '../ops/replyScore';
import { statesAndHead, type Gpt } from './gpt';
import { responseLogProbsFrom } from './responseLogProbs';
import { disposeScalarModel, scalarModelFrom, scalarParameters, scalarsFrom, type ScalarModel } from './scalarHead';

export interface RewardModel extends ScalarModel {
  /** u, [1] */
  readonly likelihood: tf.Variable<tf.Rank.R1>;
}

/** Name of u in a checkpoint; a file without it scores by its head alone. */
export const LIKELIHOOD = 'score.likelihood';

/** Where u begins; what it learns from 200 rankings moves it little. */
const FIRST_LIKELIHOOD = 0.3;

/** A reward model on a copy of `trunk`. */
export function rewardModelFrom(trunk: Gpt, seed: number): RewardModel {
  return {
    ...scalarModelFrom(trunk, seed),
    likelihood: tf.tidy(() => tf.variable(tf.tensor1d([FIRST_LIKELIHOOD]))),
  };
}

/** All trainable variables by name. */
export function rewardParameters(model: RewardModel): Map<string, tf.Variable> {
  return new Map<string, tf.Variable>([...scalarParameters(model), [LIKELIHOOD, model.likelihood]]);
}

/**
 * Scores of replies.
 * @param ids [B, P + R] int32
 * @param start [B] int32
 * @param pooling [B, P + R] what each position's scalar counts: 1 / length over the reply, see `poolingWeights`
 * @param responseMask [B, R]
 * @returns [B]
 */
export function replyScores(
  model: RewardModel,
  ids: tf.Tensor2D,
  start: tf.Tensor1D,
  pooling: tf.Tensor2D,
  responseMask: tf.Tensor2D,
): tf.Tensor1D {
  const { scalars, logProbs } = scoreParts(model, ids, start, responseMask);
  return replyScore({ scalars, pooling, logProbs, mask: responseMask, likelihood: model.likelihood });
}

/**
 * What each token adds to the score of its reply; arguments as of `replyScores`.
 * @returns [B, R], 0 outside the mask; sums to the scores over R
 */
export function scoreTerms(
  model: RewardModel,
  ids: tf.Tensor2D,
  start: tf.Tensor1D,
  pooling: tf.Tensor2D,
  responseMask: tf.Tensor2D,
): tf.Tensor2D {
  const [B, R] = responseMask.shape;
  const { scalars, logProbs } = scoreParts(model, ids, start, responseMask);
  const ofHead = tf.slice(tf.mul(scalars, pooling), [0, ids.shape[1] - R], [B, R]);
  return tf.add(ofHead, tf.mul(responseMask, tf.mul(logProbs, model.likelihood))) as tf.Tensor2D;
}

/** What a score is made of, of one pass: scalars [B, P + R] and log-probs [B, R]. */
function scoreParts(
  model: RewardModel,
  ids: tf.Tensor2D,
  start: tf.Tensor1D,
  responseMask: tf.Tensor2D,
): { scalars: tf.Tensor2D; logProbs: tf.Tensor2D } {
  const promptLength = ids.shape[1] - responseMask.shape[1];
  const states = statesAndHead(model.trunk, ids, start, responseMask); // [B, P + R, C]
  const { logProbs, hidden } = responseLogProbsFrom(model.trunk, states, ids, promptLength, 1, responseMask);
  return { scalars: scalarsFrom(model, hidden), logProbs };
}

export function disposeRewardModel(model: RewardModel): void {
  disposeScalarModel(model);
  model.likelihood.dispose();
}
