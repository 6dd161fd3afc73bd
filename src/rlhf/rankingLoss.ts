/**
 * What a reward model learns from rankings, in tfjs.
 *
 * Letters: G rankings in a batch, K replies of a prompt. All replies of a prompt are one batch element, as InstructGPT
 * found necessary: spread over batches, the same reply is seen K - 1 times and overfitted. Tensors are float32; the
 * caller disposes what is returned.
 */
import * as tf from '@tensorflow/tfjs-core';
import { pairLoss } from '../ops/pairLoss';

export interface PairLossOptions {
  /** By how much the better reply must win before a pair is content; 0 is off. Llama 2 (arXiv:2307.09288), equation 2. */
  margin?: number;
  /** Coefficient of (r_i + r_j)², which pulls rewards towards mean 0; 0 is off. TRL, `center_rewards_coefficient`. */
  centreCoef?: number;
}

/**
 * The loss over all pairs of each ranking.
 *
 * L = 1/G Σ_g Σ_ij w[g][i][j] · (-log sigmoid(r_i - r_j - margin) + centreCoef · (r_i + r_j)²)
 *
 * InstructGPT (arXiv:2203.02155), equation 1; Bradley and Terry 1952. Ours beyond it: ties, through the weights.
 *
 * @param rewards [G, K], raw; padded replies may hold anything finite
 * @param weights [G, K, K] from `batchPairWeights`, each ranking's summing to 1
 * @returns scalar; ln 2 = 0.693 for a model that cannot tell replies apart
 */
export function allPairsLoss(
  rewards: tf.Tensor2D,
  weights: tf.Tensor3D,
  { margin = 0, centreCoef = 0 }: PairLossOptions = {},
): tf.Scalar {
  return tf.tidy(() => pairLoss(rewards, weights, { margin, centreCoef }));
}

/**
 * What centring adds to `allPairsLoss` for each unit of its coefficient, where that is wanted of other rewards.
 *
 * 1/G Σ_g Σ_ij w[g][i][j] · (r_i + r_j)²
 *
 * @returns scalar
 */
export function pairCentre(rewards: tf.Tensor2D, weights: tf.Tensor3D): tf.Scalar {
  return tf.tidy(() => {
    const both = tf.add(tf.expandDims(rewards, 2), tf.expandDims(rewards, 1)); // [G, K, K]
    return tf.div(tf.sum(tf.mul(weights, tf.square(both))), rewards.shape[0]);
  });
}

/**
 * The likelihood of the whole ranking: the best of all, then the best of the rest, and so on.
 *
 * L = 1/G Σ_g -Σ_k [ r_k - log Σ_{l >= k} exp r_l ]
 *
 * Plackett 1975 and Luce 1959; DPO (arXiv:2305.18290), equation 18. No ties. For K = 2 it is `allPairsLoss`.
 *
 * @param rewardsBestToWorst [G, K], each row sorted by the labeler's rank
 * @param present [G, K], 1 for a reply, 0 where a ranking has fewer than K, which come last; all 1 unless given
 * @returns scalar; ln K! for a model that cannot tell replies apart
 */
export function plackettLuceLoss(rewardsBestToWorst: tf.Tensor2D, present?: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() => {
    const [G, K] = rewardsBestToWorst.shape;
    const rewards = withoutAbsent(rewardsBestToWorst, present);
    const logNormalisers = Array.from({ length: K }, (_, k) => tf.logSumExp(tf.slice(rewards, [0, k], [G, K - k]), 1));
    const each = tf.sub(tf.stack(logNormalisers, 1), rewards);
    return tf.div(tf.sum(present ? tf.mul(each, present) : each), G);
  });
}

/** Far below any reward, so that its exponential is 0. */
const ABSENT = -1e9;

const withoutAbsent = (rewards: tf.Tensor2D, present?: tf.Tensor2D): tf.Tensor2D =>
  present ? tf.add(tf.mul(rewards, present), tf.mul(ABSENT, tf.sub(1, present))) : rewards;

/**
 * The loss where only the best reply is known.
 *
 * L = 1/G Σ_g -log Σ_{b best} softmax(r)_b
 *
 * Ziegler et al. 2019, equation 1 (best of 4). Ours beyond it: ties at the top, of which it is known only that one of them
 * is the best. Equal scores are then pushed up alike.
 *
 * @param rewards [G, K]
 * @param best [G, K], 1 for the best reply, or for each of those that tie for it, else 0; at least one 1 a row
 * @param present [G, K], as for `plackettLuceLoss`
 * @returns scalar; ln K - ln (number of best) for a model that cannot tell replies apart
 */
export function bestOfKLoss(rewards: tf.Tensor2D, best: tf.Tensor2D, present?: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() => {
    const [G] = rewards.shape;
    const logSoftmax = tf.logSoftmax(withoutAbsent(rewards, present)); // [G, K]
    return tf.neg(tf.div(tf.sum(tf.logSumExp(withoutAbsent(logSoftmax, best), 1)), G));
  });
}
