/**
 * PPO's losses on one minibatch, with the statistics that tell whether an update is healthy. The arithmetic is in
 * ops/policyLoss.ts and ops/valueLoss.ts.
 *
 * Letters: B episodes of the minibatch, R response length. Every mean is over the response's tokens alone:
 * mean_m x = Σ x · mask / Σ mask. (TRL's statistics also average over padding, which dilutes them.)
 * Nothing is read back from the device here: the statistics are one small tensor, read once an update.
 */
import * as tf from '@tensorflow/tfjs-core';
import { clippedPolicyLoss, NO_DUAL_CLIP } from '../ops/policyLoss';
import { clippedValueLoss } from '../ops/valueLoss';

export interface LossWithStatistics {
  /** Scalar, float32; differentiable. */
  loss: tf.Scalar;
  /**
   * [S], float32; names and order in `POLICY_STATISTICS` or `VALUE_STATISTICS`. Inside `tf.variableGrads` it must be
   * kept with `tf.keep`; the caller disposes it.
   */
  statistics: tf.Tensor1D;
}

/** What `policyLoss` reports, in order. Meanings are in `metrics.ts`. */
export const POLICY_STATISTICS = [
  'loss/policy_avg',
  'policy/approxkl_avg',
  'policy/clipfrac_avg',
  'policy/entropy_avg',
  'val/ratio',
  'val/ratio_outside_clip',
  'val/ratio_deviation',
] as const;

/** What `valueLoss` reports, in order. */
export const VALUE_STATISTICS = ['loss/value_avg', 'val/clipfrac_avg'] as const;

export interface PolicyMinibatch {
  /** [B, R] of the policy that sampled, at rollout. */
  oldLogProbs: tf.Tensor2D;
  /** [B, R], whitened. */
  advantages: tf.Tensor2D;
  /** [B, R] 1 on response tokens, the stop token included. At least one 1. */
  responseMask: tf.Tensor2D;
}

/**
 * The clipped surrogate objective, as a loss.
 *
 * r_t = exp(log pi(a_t) - log piOld(a_t));  L = mean_m max(-A_t r_t, -A_t clip(r_t, 1 - c, 1 + c))
 *
 * PPO (arXiv:1707.06347), equation 7, with the sign turned. Statistics: approximate KL = mean_m (log r)² / 2;
 * clip fraction = share of tokens at which the clipped term is the larger (TRL); entropy; mean ratio; share of tokens
 * with |r - 1| > c, whether or not the clip bites there; the largest |r - 1|, which must be 0 on the first minibatch
 * of an update.
 *
 * @param logProbs [B, R] of the policy being trained, at the rollout's temperature
 * @param entropies [B, R] of its next-token distribution, nats; reported only
 * @param clipRange c, > 0
 * @param dualClip d, > 1: where A < 0, a token costs at most -d A, however likely it has become (Ye et al. 2020,
 *   arXiv:1912.09729, equation 5); none unless given
 */
export function policyLoss(
  logProbs: tf.Tensor2D,
  entropies: tf.Tensor2D,
  { oldLogProbs, advantages, responseMask }: PolicyMinibatch,
  clipRange: number,
  dualClip = NO_DUAL_CLIP,
): LossWithStatistics {
  return tf.tidy(() =>
    clippedPolicyLoss({ logProbs, entropies, oldLogProbs, advantages, mask: responseMask }, clipRange, dualClip),
  );
}

export interface ValueMinibatch {
  /** [B, R] of the value model at rollout. */
  oldValues: tf.Tensor2D;
  /** [B, R], from `gae`. */
  returns: tf.Tensor2D;
  /** [B, R]. At least one 1. */
  responseMask: tf.Tensor2D;
}

/**
 * The clipped value loss.
 *
 * v_c = clip(V, V_old - c, V_old + c);  L = mean_m max((V - return)², (v_c - return)²) / 2
 *
 * Not in the PPO paper; OpenAI's `baselines` and lm-human-preferences. Statistic: share of tokens at which the clipped
 * term is the larger.
 *
 * @param values [B, R] of the value model being trained
 * @param clipRangeValue c, > 0
 * @param coef multiplies the loss, not its statistics: vfCoef, where the value model has an optimiser of its own
 */
export function valueLoss(
  values: tf.Tensor2D,
  { oldValues, returns, responseMask }: ValueMinibatch,
  clipRangeValue: number,
  coef = 1,
): LossWithStatistics {
  return tf.tidy(() => clippedValueLoss({ values, oldValues, returns, mask: responseMask }, clipRangeValue, coef));
}

/**
 * What one optimiser step minimises when policy and value model share it: L = L_policy + vfCoef · L_value.
 *
 * PPO, equation 9; its entropy bonus is added by ppoSteps.ts.
 */
export function totalLoss(policy: tf.Scalar, value: tf.Scalar, vfCoef: number): tf.Scalar {
  return tf.tidy(() => tf.add(policy, tf.mul(vfCoef, value)));
}
