/**
 * The ranking loss over all weighted pairs, in one pass. What it means is in rlhf/rankingLoss.ts.
 *
 * Shapes: rewards [G, K]; weights [G, K, K], data without a gradient; loss a scalar; slope [G, K], the derivative of the
 * loss by the rewards, so that the gradient is one product.
 */
import * as tf from '@tensorflow/tfjs-core';
import { registerGradient, registerReference, runOperation } from './operation';

/** Inputs rewards, weights; outputs loss, slope. */
export const PAIR_LOSS = 'NudgePairLoss';

export interface PairLossAttributes {
  margin: number;
  centreCoef: number;
}

/** @returns 1/G Σ_g Σ_ij w[g][i][j] · (-log sigmoid(r_i - r_j - margin) + centreCoef · (r_i + r_j)²), a scalar */
export function pairLoss(rewards: tf.Tensor2D, weights: tf.Tensor3D, attributes: PairLossAttributes): tf.Scalar {
  return runOperation(PAIR_LOSS, { rewards, weights }, attributes)[0] as tf.Scalar;
}

registerReference<PairLossAttributes>(PAIR_LOSS, (inputs, { margin, centreCoef }) => {
  const { rewards, weights } = inputs as { rewards: tf.Tensor2D; weights: tf.Tensor3D };
  const better = tf.expandDims(rewards, 2);
  const worse = tf.expandDims(rewards, 1);
  const lacking = tf.neg(tf.sub(tf.sub(better, worse), margin)); // what the better reply lacks of its margin
  const both = tf.add(better, worse);
  const losses = tf.add(tf.softplus(lacking), tf.mul(centreCoef, tf.square(both)));
  const pull = tf.mul(weights, tf.sigmoid(lacking));
  const centring = tf.mul(2 * centreCoef, tf.mul(weights, both));
  const slope = tf.add(tf.sum(tf.sub(centring, pull), 2), tf.sum(tf.add(centring, pull), 1));
  const rankings = rewards.shape[0];
  return [tf.div(tf.sum(tf.mul(weights, losses)), rankings), tf.div(slope, rankings)];
});

registerGradient(PAIR_LOSS, { inputs: [], outputs: [false, true] }, ([dy], [slope]) => ({
  rewards: () => tf.mul(slope as tf.Tensor, dy as tf.Tensor),
}));
