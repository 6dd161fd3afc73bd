/**
 * The loss of methods that learn from advantages alone, in tfjs: a clipped surrogate, and what may stand beside it.
 *
 *   L = Σ w_t max(-A_t r_t, -A_t clip(r_t, 1 - c, 1 + c')) + klLossCoef · Σ w_t k(d_t) - entropyCoef · Σ w_t H_t
 *
 * PPO (arXiv:1707.06347), equation 7, with weights w_t in place of the mean, since what the methods average over is
 * what tells them apart: see `tokenWeights`. c' > c is "clip higher" (DAPO, arXiv:2503.14476, equation 10).
 *
 * Letters: M replies of a minibatch, R response length, V vocabulary. PPO's own policy loss, fused into one kernel, is
 * ops/policyLoss.ts; with equal weights the first term is the same.
 */
import * as tf from '@tensorflow/tfjs-core';
import { k1, k2, k3 } from './kl';

/** What a probability ratio is of: each token by itself, or the whole reply. */
export type RatioOf = 'token' | 'reply';

/** What the loss is a mean over. */
export type Weighting = 'tokens' | 'replies' | 'constant';

/**
 * The estimate of KL(pi ‖ piRef) that is added to the loss, with the gradient that it has there, states held fixed:
 * `k1`: zero in expectation, so it only adds noise; `k2`: that of KL(pi ‖ piRef); `k3`: that of KL(piRef ‖ pi), the
 * other direction; `exact`: that of KL(pi ‖ piRef), without the noise of the sampled token. "In expectation" holds for
 * tokens of the policy as it is; after the first minibatch of an update they are an older policy's.
 */
export type KlLoss = 'none' | 'k1' | 'k2' | 'k3' | 'exact';

export interface SurrogateOptions {
  ratioOf: RatioOf;
  /** c: how far a ratio may fall below 1. */
  clipRange: number;
  /** c': how far it may climb above 1. */
  clipRangeHigh: number;
  klLoss: KlLoss;
  klLossCoef: number;
  entropyCoef: number;
}

export interface SurrogateMinibatch {
  /** [M, R] of the policy that sampled. */
  oldLogProbs: tf.Tensor2D;
  /** [M, R] of the reference policy. */
  refLogProbs: tf.Tensor2D;
  /** [M, R] */
  advantages: tf.Tensor2D;
  /** [M, R], from `tokenWeights`; 0 outside the mask. */
  weights: tf.Tensor2D;
  /** [M, R] 1 on response tokens, the stop token included. */
  responseMask: tf.Tensor2D;
}

/** What the policy says of the minibatch; differentiable. */
export interface PolicyPass {
  /** [M, R] */
  logProbs: tf.Tensor2D;
  /** [M, R] of the next-token distribution, nats; differentiated only where `entropyCoef` is not 0. */
  entropies: tf.Tensor2D;
  /** [M, R] exact KL of the next token from the reference, where `klLoss` asks for it. */
  exactKl?: tf.Tensor2D;
}

/**
 * @returns the loss, differentiable by `logProbs` (and by the entropies and the exact KL, where they count), and
 *   `POLICY_STATISTICS`, means over the tokens of the mask: PPO's own names, so that all methods are read alike
 */
export function surrogateLoss(
  { logProbs, entropies, exactKl }: PolicyPass,
  { oldLogProbs, refLogProbs, advantages, weights, responseMask }: SurrogateMinibatch,
  { ratioOf, clipRange, clipRangeHigh, klLoss, klLossCoef, entropyCoef }: SurrogateOptions,
): { loss: tf.Scalar; statistics: tf.Tensor1D } {
  const tokenLogRatio = k1(logProbs, oldLogProbs, responseMask); // [M, R], 0 outside the mask
  const logRatio =
    ratioOf === 'token' ? tokenLogRatio : tf.mul(tf.sum(tokenLogRatio, 1, true), tf.onesLike(tokenLogRatio)); // [M, R]
  const ratio = tf.exp(logRatio);
  const loss = tf.neg(advantages);
  const unclipped = tf.mul(loss, ratio);
  const clipped = tf.mul(loss, tf.minimum(tf.maximum(ratio, 1 - clipRange), 1 + clipRangeHigh));
  const surrogate = tf.sum(tf.mul(weights, tf.maximum(unclipped, clipped)));

  const terms: tf.Tensor[] = [surrogate];
  if (klLoss !== 'none') {
    const drift = klPerToken(klLoss, logProbs, refLogProbs, responseMask, exactKl);
    terms.push(tf.mul(klLossCoef, tf.sum(tf.mul(weights, drift))));
  }
  if (entropyCoef !== 0) terms.push(tf.mul(-entropyCoef, tf.sum(tf.mul(weights, entropies))));

  const deviation = tf.mul(tf.abs(tf.sub(ratio, 1)), responseMask);
  const outside = tf.logicalOr(tf.greater(ratio, 1 + clipRangeHigh), tf.less(ratio, 1 - clipRange));
  const count = tf.sum(responseMask);
  const meanOf = (values: tf.Tensor): tf.Tensor => tf.reshape(tf.div(tf.sum(tf.mul(values, responseMask)), count), [1]);
  const statistics = tf.concat1d([
    tf.reshape(surrogate, [1]),
    meanOf(tf.mul(0.5, tf.square(tokenLogRatio))),
    meanOf(tf.cast(tf.greater(clipped, unclipped), 'float32')),
    meanOf(entropies),
    meanOf(ratio),
    meanOf(tf.cast(outside, 'float32')),
    tf.reshape(tf.max(deviation), [1]),
  ] as tf.Tensor1D[]);
  return { loss: tf.addN(terms) as tf.Scalar, statistics };
}

/** [M, R] of the chosen estimate, 0 outside the mask; differentiable. */
export function klPerToken(
  klLoss: Exclude<KlLoss, 'none'>,
  logProbs: tf.Tensor2D,
  refLogProbs: tf.Tensor2D,
  responseMask: tf.Tensor2D,
  exactKl: tf.Tensor2D | undefined,
): tf.Tensor2D {
  switch (klLoss) {
    case 'k1':
      return k1(logProbs, refLogProbs, responseMask);
    case 'k2':
      return k2(logProbs, refLogProbs, responseMask);
    case 'k3':
      return k3(logProbs, refLogProbs, responseMask);
    case 'exact':
      if (!exactKl) throw new Error('The exact KL as a loss needs the distributions of both models.');
      return exactKl;
  }
}

/**
 * What each token of a minibatch counts.
 *
 * `tokens`: 1 / (tokens of the minibatch), so a long reply counts more (DAPO; PPO). `replies`: 1 / (replies · tokens of
 * its own), so each reply counts the same and a token of a long one less (GRPO, equation 3; with ratios of whole
 * replies, RLOO). `constant`: 1 / (replies · longest reply allowed), so that length changes nothing (Dr. GRPO).
 *
 * @param mask [M, R] row-major
 * @param longest tokens that a reply may have, for `constant`
 * @returns [M, R], 0 outside the mask
 */
export function tokenWeights(mask: Float32Array, R: number, weighting: Weighting, longest: number): Float32Array {
  const M = mask.length / R;
  const tokens = mask.reduce((sum, counts) => sum + counts, 0);
  const weights = new Float32Array(mask.length);
  for (let m = 0; m < M; m++) {
    const own = mask.subarray(m * R, (m + 1) * R);
    const length = own.reduce((sum, counts) => sum + counts, 0);
    const each = weighting === 'tokens' ? 1 / tokens : 1 / (M * (weighting === 'replies' ? length : longest));
    own.forEach((counts, t) => (weights[m * R + t] = counts * each));
  }
  return weights;
}
