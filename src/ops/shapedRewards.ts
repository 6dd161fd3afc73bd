/**
 * Rewards of tokens from scores of replies, on the device. What it means is in rlhf/rewards.ts, and the plain reference,
 * which is made of the functions there, is in rlhf/experience.ts.
 *
 * Shapes: logProbs, refLogProbs, mask [B, R]; scores, finished [B]; klCoef [3]; rewards [B, R]; replies [3, B]: score
 * after the penalty, KL and non-score reward of each. Rewards are data: nothing here has a gradient.
 */
import type * as tf from '@tensorflow/tfjs-core';

/** Inputs as in `ShapedRewardsInputs`; outputs rewards, replies. */
export const SHAPED_REWARDS = 'NudgeShapedRewards';

export interface ShapedRewardsInputs {
  /** Of the policy that sampled. */
  logProbs: tf.Tensor2D;
  /** Of the reference policy. */
  refLogProbs: tf.Tensor2D;
  /** 1 on the response's tokens, at least one a row; 0 elsewhere, where nothing is read. */
  mask: tf.Tensor2D;
  scores: tf.Tensor1D;
  /** int32, 1 where the response ended with the stop token, else 0. */
  finished: tf.Tensor1D;
  /** [3] from `klCoefValues`. */
  klCoef: tf.Tensor1D;
}

export interface ShapedRewardsAttributes {
  missingEosPenalty: number;
}

/** klCoef as the data of a step: three float32 whose sum is the float64, so that the host's formula loses no bit of it. */
export function klCoefValues(klCoef: number): Float32Array {
  const values = new Float32Array(3);
  let rest = klCoef;
  for (let i = 0; i < 3; i++) {
    values[i] = rest;
    rest -= values[i] as number;
  }
  return values;
}
