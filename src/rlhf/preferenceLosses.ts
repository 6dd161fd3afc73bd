/**
 * Learning from comparisons without a reward model: DPO and its kin, in tfjs.
 *
 * A comparison is {chosen, rejected}. Log-probs are sums over a response's tokens, in nats, at temperature 1; [B]
 * float32. Every loss is one number a comparison, [B]: take the mean to train. The caller disposes what is returned.
 * h = (log pi - log piRef)(chosen) - (log pi - log piRef)(rejected) throughout.
 */
import * as tf from '@tensorflow/tfjs-core';
import { logSigmoid } from './logSigmoid';

/** Summed log-probs of the two responses, under the policy and under the reference policy. All [B]. */
export interface ComparisonLogProbs {
  chosen: tf.Tensor1D;
  rejected: tf.Tensor1D;
  refChosen: tf.Tensor1D;
  refRejected: tf.Tensor1D;
}

/** Tokens of the two responses, [B] float32, > 0. */
export interface ComparisonLengths {
  chosen: tf.Tensor1D;
  rejected: tf.Tensor1D;
}

/**
 * DPO: a reward model hidden in the policy's own log-ratio.
 *
 * L = -log sigmoid(beta · h)
 *
 * Rafailov et al. 2023 (arXiv:2305.18290), equation 7.
 *
 * @param beta strength of the tie to the reference policy, > 0
 * @returns [B]; ln 2 while the policy is still the reference policy
 */
export function dpoLoss(logProbs: ComparisonLogProbs, beta: number): tf.Tensor1D {
  return tf.tidy(() => tf.neg(logSigmoid(tf.mul(beta, logRatioDifference(logProbs)))));
}

/**
 * Conservative DPO: a label is wrong with probability e, so the policy should not become certain of it.
 *
 * L = -(1 - e) log sigmoid(beta · h) - e log sigmoid(-beta · h)
 *
 * Mitchell 2023, "A note on DPO with noisy preferences and relationship to IPO".
 *
 * @param labelSmoothing e, 0 to 0.5
 */
export function conservativeDpoLoss(logProbs: ComparisonLogProbs, beta: number, labelSmoothing: number): tf.Tensor1D {
  return tf.tidy(() => {
    const scaled = tf.mul(beta, logRatioDifference(logProbs)) as tf.Tensor1D;
    const asLabelled = tf.mul(1 - labelSmoothing, logSigmoid(scaled));
    const flipped = tf.mul(labelSmoothing, logSigmoid(tf.neg(scaled)));
    return tf.neg(tf.add(asLabelled, flipped));
  });
}

/**
 * Robust DPO: an unbiased estimate of the loss on clean labels, from labels of which a share e is flipped.
 *
 * L = [ -(1 - e) log sigmoid(beta · h) + e log sigmoid(-beta · h) ] / (1 - 2e)
 *
 * Chowdhury et al. 2024 (arXiv:2403.00409).
 *
 * @param labelSmoothing e, 0 to below 0.5
 */
export function robustDpoLoss(logProbs: ComparisonLogProbs, beta: number, labelSmoothing: number): tf.Tensor1D {
  return tf.tidy(() => {
    const scaled = tf.mul(beta, logRatioDifference(logProbs)) as tf.Tensor1D;
    const asLabelled = tf.mul(1 - labelSmoothing, logSigmoid(scaled));
    const flipped = tf.mul(labelSmoothing, logSigmoid(tf.neg(scaled)));
    return tf.div(tf.sub(flipped, asLabelled), 1 - 2 * labelSmoothing);
  });
}

/**
 * IPO: a squared loss with a finite optimum, so that certain labels do not push the policy without end.
 *
 * L = (h - 1 / (2 beta))²
 *
 * Azar et al. 2023 (arXiv:2310.12036), equation 17. With `lengths`, each log-ratio is first divided by its own
 * response's length, as TRL does; the same beta then means something else.
 */
export function ipoLoss(logProbs: ComparisonLogProbs, beta: number, lengths?: ComparisonLengths): tf.Tensor1D {
  return tf.tidy(() => tf.square(tf.sub(logRatioDifference(logProbs, lengths), 1 / (2 * beta))));
}

/**
 * SimPO: no reference policy, mean log-probs instead of sums, and a margin.
 *
 * L = -log sigmoid(beta · (mean log pi(chosen) - mean log pi(rejected)) - gamma)
 *
 * Meng et al. 2024 (arXiv:2405.14734), equation 6. gamma is the margin itself, not the paper's ratio gamma / beta.
 */
export function simpoLoss(
  logProbs: Pick<ComparisonLogProbs, 'chosen' | 'rejected'>,
  lengths: ComparisonLengths,
  beta: number,
  gamma: number,
): tf.Tensor1D {
  return tf.tidy(() => {
    const difference = tf.sub(tf.div(logProbs.chosen, lengths.chosen), tf.div(logProbs.rejected, lengths.rejected));
    return tf.neg(logSigmoid(tf.sub(tf.mul(beta, difference), gamma)));
  });
}

/**
 * ORPO: imitation of the chosen response plus a penalty on the odds of the rejected one, in one stage.
 *
 * L = nll - beta · log sigmoid(log odds(chosen) - log odds(rejected))
 *
 * Hong et al. 2024 (arXiv:2403.07691), equations 6 and 7.
 *
 * @param nll [B] the cross-entropy of the chosen response
 * @param beta the paper's lambda, > 0
 */
export function orpoLoss(
  logProbs: Pick<ComparisonLogProbs, 'chosen' | 'rejected'>,
  lengths: ComparisonLengths,
  nll: tf.Tensor1D,
  beta: number,
): tf.Tensor1D {
  return tf.tidy(() => tf.sub(nll, tf.mul(beta, logSigmoid(orpoLogOdds(logProbs, lengths)))));
}

/**
 * ORPO's log odds ratio of chosen against rejected.
 *
 * log odds(a) = a - log(1 - exp a), a = mean log-prob of a token, < 0
 *
 * 1 - exp a is taken as -expm1(a), which keeps its digits near 0.
 */
export function orpoLogOdds(
  logProbs: Pick<ComparisonLogProbs, 'chosen' | 'rejected'>,
  lengths: ComparisonLengths,
): tf.Tensor1D {
  return tf.tidy(() => {
    const logOdds = (mean: tf.Tensor): tf.Tensor => tf.sub(mean, tf.log(tf.neg(tf.expm1(mean))));
    return tf.sub(
      logOdds(tf.div(logProbs.chosen, lengths.chosen)),
      logOdds(tf.div(logProbs.rejected, lengths.rejected)),
    );
  });
}

/**
 * KTO: single responses marked good or bad, judged against how far the policy has drifted on the whole.
 *
 * desirable: L = 1 - sigmoid(beta · (d - z));  undesirable: L = 1 - sigmoid(beta · (z - d));  d = log pi - log piRef
 *
 * Ethayarajh et al. 2024 (arXiv:2402.01306), with both weights 1.
 *
 * @param logProbs [B] of the responses under the policy
 * @param refLogProbs [B] under the reference policy
 * @param desirable whether these responses were marked good
 * @param driftKl z, a scalar from `ktoDriftKl`
 */
export function ktoLoss(
  logProbs: tf.Tensor1D,
  refLogProbs: tf.Tensor1D,
  desirable: boolean,
  driftKl: tf.Scalar,
  beta: number,
): tf.Tensor1D {
  return tf.tidy(() => {
    const logRatio = tf.sub(logProbs, refLogProbs);
    const gain = desirable ? tf.sub(logRatio, driftKl) : tf.sub(driftKl, logRatio);
    return tf.sub(1, tf.sigmoid(tf.mul(beta, gain)));
  });
}

/**
 * KTO's reference point z: the policy's drift, from pairs of a prompt with another prompt's response.
 *
 * z = max(0, mean of log pi - log piRef over mismatched pairs)
 *
 * No gradient flows through it (the paper's stop-gradient): compute it outside of the differentiated function.
 *
 * @param logProbs [B] of mismatched responses under the policy
 * @param refLogProbs [B] under the reference policy
 * @returns scalar, >= 0, nats
 */
export function ktoDriftKl(logProbs: tf.Tensor1D, refLogProbs: tf.Tensor1D): tf.Scalar {
  return tf.tidy(() => tf.relu(tf.mean(tf.sub(logProbs, refLogProbs))));
}

/** h, [B]; with `lengths`, each log-ratio divided by its own response's length. */
function logRatioDifference(logProbs: ComparisonLogProbs, lengths?: ComparisonLengths): tf.Tensor1D {
  const chosen = tf.sub(logProbs.chosen, logProbs.refChosen);
  const rejected = tf.sub(logProbs.rejected, logProbs.refRejected);
  return lengths
    ? tf.sub(tf.div(chosen, lengths.chosen), tf.div(rejected, lengths.rejected))
    : tf.sub(chosen, rejected);
}
