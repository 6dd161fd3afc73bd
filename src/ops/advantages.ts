/**
 * Advantages and returns from rewards and values, whitened over the batch, on the device. What it means is in
 * rlhf/gae.ts and rlhf/whiten.ts, and the plain reference, which is made of the functions there, is in
 * rlhf/experience.ts.
 *
 * Shapes: rewards, values, mask, advantages, returns [B, R]. Nothing here has a gradient.
 */
import type * as tf from '@tensorflow/tfjs-core';

/** Inputs as in `AdvantagesInputs`; outputs advantages, returns. */
export const ADVANTAGES = 'NudgeAdvantages';

export interface AdvantagesInputs {
  rewards: tf.Tensor2D;
  /** Of the value model at rollout. */
  values: tf.Tensor2D;
  /** 1 on the response's tokens, at least one in the batch; 0 elsewhere, where nothing is read. */
  mask: tf.Tensor2D;
}

export interface AdvantagesAttributes {
  /** Discount, 0 to 1. */
  gamma: number;
  /** 0 trusts the values, 1 the outcome. */
  lam: number;
  /** False leaves the advantages as they are. */
  whitened: boolean;
}
