/**
 * PPO's clipped value loss, with all that is reported of it, in one pass. What it means is in rlhf/ppoLoss.ts.
 *
 * Shapes: values, oldValues, returns, mask [B, R]; loss a scalar; statistics [2]; slope [B, R], the derivative of the
 * loss by the values, so that the gradient is one product. Only values has a gradient.
 */
import * as tf from '@tensorflow/tfjs-core';
import { maskedMeans } from './maskedMean';
import { registerGradient, registerReference, runOperation } from './operation';

/** Inputs values, oldValues, returns, mask; outputs loss, statistics, slope. */
export const VALUE_LOSS = 'NudgeValueLoss';

export interface ValueLossAttributes {
  clipRange: number;
  coef: number;
}

export interface ValueLossInputs {
  values: tf.Tensor2D;
  oldValues: tf.Tensor2D;
  returns: tf.Tensor2D;
  /** 1 on what counts, 0 elsewhere; at least one 1. */
  mask: tf.Tensor2D;
}

/**
 * @param clipRange above 0
 * @param coef multiplies the loss, not the statistics
 * @returns the loss, and [2]: the loss before `coef`, share of tokens where the clip bites
 */
export function clippedValueLoss(
  inputs: ValueLossInputs,
  clipRange: number,
  coef: number,
): { loss: tf.Scalar; statistics: tf.Tensor1D } {
  const attributes: ValueLossAttributes = { clipRange, coef };
  const [loss, statistics] = runOperation(VALUE_LOSS, { ...inputs }, attributes);
  return { loss: loss as tf.Scalar, statistics: statistics as tf.Tensor1D };
}

registerReference<ValueLossAttributes>(VALUE_LOSS, (inputs, { clipRange, coef }) => {
  const { values, oldValues, returns, mask } = inputs as Record<keyof ValueLossInputs, tf.Tensor>;
  // Not V_old + clip(V - V_old): that rounds, and would count tokens as clipped that are not.
  const low = tf.sub(oldValues, clipRange);
  const high = tf.add(oldValues, clipRange);
  const clippedValues = tf.minimum(tf.maximum(values, low), high);
  const error = tf.sub(values, returns);
  const unclipped = tf.square(error);
  const clipped = tf.square(tf.sub(clippedValues, returns));
  const losses = tf.mul(0.5, tf.maximum(unclipped, clipped));
  const clips = tf.greater(clipped, unclipped);
  const statistics = maskedMeans([losses, tf.cast(clips, 'float32')], mask);
  // Where the clip bites, the value is outside the range and its clamped value does not move with it.
  const slope = tf.div(tf.mul(tf.where(clips, tf.zerosLike(error), error), mask), tf.sum(mask));
  return [tf.mul(coef, tf.reshape(tf.slice(statistics, 0, 1), [])), statistics, tf.mul(coef, slope)];
});

registerGradient(VALUE_LOSS, { inputs: [], outputs: [false, false, true] }, ([dy], [slope]) => ({
  values: () => tf.mul(slope as tf.Tensor, dy as tf.Tensor),
}));
