/**
 * PPO's clipped surrogate objective, with all that is reported of it, in one pass. What it means is in rlhf/ppoLoss.ts.
 *
 * Shapes: logProbs, entropies, oldLogProbs, advantages, mask [B, R]; loss a scalar; statistics [7]; slope [B, R], the
 * derivative of the loss by the log-probs, so that the gradient is one product. Only logProbs has a gradient.
 */
import * as tf from '@tensorflow/tfjs-core';
import { maskedMean, maskedMeans } from './maskedMean';
import { registerGradient, registerReference, runOperation } from './operation';

/** Inputs logProbs, entropies, oldLogProbs, advantages, mask; outputs loss, statistics, slope. */
export const POLICY_LOSS = 'NudgePolicyLoss';

export interface PolicyLossAttributes {
  clipRange: number;
  /** Most that a token of negative advantage costs, in advantages; `NO_DUAL_CLIP` for no bound. */
  dualClip: number;
}

/** No ratio is as large. */
export const NO_DUAL_CLIP = 1e30;

export interface PolicyLossInputs {
  logProbs: tf.Tensor2D;
  /** Reported only. */
  entropies: tf.Tensor2D;
  oldLogProbs: tf.Tensor2D;
  advantages: tf.Tensor2D;
  /** 1 on what counts, 0 elsewhere; at least one 1. */
  mask: tf.Tensor2D;
}

/**
 * @param clipRange above 0
 * @param dualClip above 1
 * @returns the loss, and [7]: the loss, approximate KL, share of tokens where the clip bites, entropy, ratio, share of
 *   tokens whose ratio is outside the range, largest |ratio - 1|
 */
export function clippedPolicyLoss(
  inputs: PolicyLossInputs,
  clipRange: number,
  dualClip = NO_DUAL_CLIP,
): { loss: tf.Scalar; statistics: tf.Tensor1D } {
  const attributes: PolicyLossAttributes = { clipRange, dualClip };
  const [loss, statistics] = runOperation(POLICY_LOSS, { ...inputs }, attributes);
  return { loss: loss as tf.Scalar, statistics: statistics as tf.Tensor1D };
}

registerReference<PolicyLossAttributes>(POLICY_LOSS, (inputs, { clipRange, dualClip }) => {
  const { logProbs, entropies, oldLogProbs, advantages, mask } = inputs as Record<keyof PolicyLossInputs, tf.Tensor>;
  // Masked before the exponential: a padding token's log-ratio is arbitrary and could overflow. Its ratio is 1.
  const logRatio = tf.mul(tf.sub(logProbs, oldLogProbs), mask);
  const ratio = tf.exp(logRatio);
  const negativeAdvantages = tf.neg(advantages);
  const unclipped = tf.mul(negativeAdvantages, ratio);
  const clipped = tf.mul(negativeAdvantages, tf.clipByValue(ratio, 1 - clipRange, 1 + clipRange));
  const surrogate = tf.maximum(unclipped, clipped);
  const clips = tf.greater(clipped, unclipped);
  const most = tf.where(
    tf.less(advantages, 0),
    tf.mul(dualClip, negativeAdvantages),
    tf.fill(advantages.shape, Infinity),
  );
  const losses = tf.minimum(surrogate, most);
  const still = tf.logicalOr(clips, tf.greater(surrogate, most));
  const deviation = tf.abs(tf.sub(ratio, 1));
  const means = maskedMeans(
    [
      losses,
      tf.mul(0.5, tf.square(logRatio)),
      tf.cast(clips, 'float32'),
      entropies,
      ratio,
      tf.cast(tf.greater(deviation, clipRange), 'float32'),
    ],
    mask,
  );
  // Where a clip bites, the loss does not move with the ratio.
  const slope = tf.div(tf.mul(tf.where(still, tf.zerosLike(unclipped), unclipped), mask), tf.sum(mask));
  return [maskedMean(losses, mask), tf.concat1d([means, tf.reshape(tf.max(deviation), [1])]), slope];
});

registerGradient(POLICY_LOSS, { inputs: [], outputs: [false, false, true] }, ([dy], [slope]) => ({
  logProbs: () => tf.mul(slope as tf.Tensor, dy as tf.Tensor),
  entropies: () => tf.zeros((slope as tf.Tensor).shape), // they come from the same logits; on WebGPU no dispatch
}));
