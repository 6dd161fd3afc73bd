/**
 * From what the models say of a batch to what PPO learns from it, as operations, so that it need not leave the device.
 * The formulas are those of rewards.ts, gae.ts and whiten.ts, which are also the plain references here.
 *
 * Letters: B replies, R response length. Nothing here has a gradient.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ADVANTAGES, type AdvantagesAttributes, type AdvantagesInputs } from '../ops/advantages';
import { registerReference, runOperation } from '../ops/operation';
import { SHAPED_REWARDS, type ShapedRewardsAttributes, type ShapedRewardsInputs } from '../ops/shapedRewards';
import { gae } from './gae';
import { penaliseMissingEos, shapedRewards } from './rewards';
import { whiten } from './whiten';

/**
 * What every token earns: `penaliseMissingEos`, then `shapedRewards`.
 * @param missingEosPenalty >= 0, in units of the normalised score
 * @returns rewards [B, R], 0 outside the mask; replies [3, B]: score after the penalty, KL, non-score reward
 * @throws InputError on the host if a response has no token
 */
export function tokenRewards(
  inputs: ShapedRewardsInputs,
  missingEosPenalty: number,
): { rewards: tf.Tensor2D; replies: tf.Tensor2D } {
  const attributes: ShapedRewardsAttributes = { missingEosPenalty };
  const [rewards, replies] = runOperation(SHAPED_REWARDS, { ...inputs }, attributes);
  return { rewards: rewards as tf.Tensor2D, replies: replies as tf.Tensor2D };
}

/**
 * What every token was worth: `gae`, and `whiten` over the whole batch unless `whitened` is false.
 * @returns both [B, R], 0 outside the mask
 * @throws InputError on the host if the mask is empty
 */
export function tokenAdvantages(
  inputs: AdvantagesInputs,
  { gamma, lam, whitened = true }: { gamma: number; lam: number; whitened?: boolean },
): { advantages: tf.Tensor2D; returns: tf.Tensor2D } {
  const attributes: AdvantagesAttributes = { gamma, lam, whitened };
  const [advantages, returns] = runOperation(ADVANTAGES, { ...inputs }, attributes);
  return { advantages: advantages as tf.Tensor2D, returns: returns as tf.Tensor2D };
}

const floats = (tensor: tf.Tensor): Float32Array => tensor.dataSync<'float32'>();

registerReference<ShapedRewardsAttributes>(SHAPED_REWARDS, (inputs, { missingEosPenalty }) => {
  const { logProbs, refLogProbs, mask, scores, finished, klCoef } = inputs as Record<
    keyof ShapedRewardsInputs,
    tf.Tensor
  >;
  const [rows, length] = logProbs.shape as [number, number];
  const flags = Array.from(finished.dataSync<'int32'>(), (flag) => flag !== 0);
  const penalised = penaliseMissingEos(floats(scores), flags, missingEosPenalty);
  const { rewards, kl, nonScoreRewards } = shapedRewards(
    {
      logProbs: floats(logProbs),
      refLogProbs: floats(refLogProbs),
      responseMask: floats(mask),
      scores: penalised,
    },
    length,
    floats(klCoef).reduce((sum, part) => sum + part, 0),
  );
  const replies = Float32Array.from([...penalised, ...kl, ...nonScoreRewards]);
  return [tf.tensor2d(rewards, [rows, length]), tf.tensor2d(replies, [3, rows])];
});

registerReference<AdvantagesAttributes>(ADVANTAGES, (inputs, { gamma, lam, whitened }) => {
  const { rewards, values, mask } = inputs as Record<keyof AdvantagesInputs, tf.Tensor>;
  const shape = rewards.shape as [number, number];
  const counts = floats(mask);
  const { advantages, returns } = gae(floats(rewards), floats(values), counts, shape[1], gamma, lam);
  return [tf.tensor2d(whitened ? whiten(advantages, counts) : advantages, shape), tf.tensor2d(returns, shape)];
});
