/**
 * How far the policy has moved from the reference policy.
 *
 * Letters: B batch, R response length, V vocabulary. All log-probabilities are in nats, of the sampled tokens, at the
 * temperature that they were sampled with. In every function here d = log pi(token) - log piRef(token), and the
 * samples are from pi. Tensors are float32; the caller disposes what is returned.
 */
import * as tf from '@tensorflow/tfjs-core';

/**
 * k1, the log-ratio itself: unbiased, and the one that PPO charges as a reward.
 *
 * k1 = d · mask
 *
 * Schulman, "Approximating KL Divergence" (2020). As a loss its gradient is zero in expectation: use `k2` there.
 *
 * @param logProbs [B, R] of the policy
 * @param refLogProbs [B, R] of the reference policy
 * @param responseMask [B, R] 1 on the response up to and including the stop token, else 0
 * @returns [B, R], 0 outside the mask
 */
export function k1(logProbs: tf.Tensor2D, refLogProbs: tf.Tensor2D, responseMask: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => tf.mul(tf.sub(logProbs, refLogProbs), responseMask));
}

/**
 * k2, half the squared log-ratio: biased as an estimate, but its gradient is the gradient of KL(pi ‖ piRef).
 *
 * k2 = d² / 2 · mask
 *
 * Schulman (2020). Parameters and result as `k1`.
 */
export function k2(logProbs: tf.Tensor2D, refLogProbs: tf.Tensor2D, responseMask: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => tf.mul(0.5, tf.square(k1(logProbs, refLogProbs, responseMask))));
}

/**
 * k3: unbiased and never negative.
 *
 * k3 = (exp(-d) - 1 + d) · mask
 *
 * Schulman (2020). Written with expm1, because the plain form loses every digit where d is near 0 (WebGPU has no true
 * expm1: there the error is 1e-7 a token). As a loss its gradient is that of KL(piRef ‖ pi), the other direction.
 * Parameters and result as `k1`.
 */
export function k3(logProbs: tf.Tensor2D, refLogProbs: tf.Tensor2D, responseMask: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    // Masked before the exponential: a padding token's log-ratio is arbitrary and could overflow.
    const logRatio = k1(logProbs, refLogProbs, responseMask);
    return tf.add(tf.expm1(tf.neg(logRatio)), logRatio);
  });
}

/**
 * Sum of a per-token KL over each response, in nats a response: the unit of `objective/kl` and of the KL target.
 *
 * @param klPerToken [B, R], 0 outside the response
 * @returns [B]
 */
export function sequenceKl(klPerToken: tf.Tensor2D): tf.Tensor1D {
  return tf.sum(klPerToken, 1);
}

/**
 * The exact KL(pi ‖ piRef) of the next token, summed over the whole vocabulary instead of estimated from one sample.
 *
 * KL = Σ_v pi(v) (log pi(v) - log piRef(v))
 *
 * A Rao-Blackwellised k1: the same expectation at a small part of the variance. For display or as a loss; not as a
 * reward, since it depends on the state alone and does not charge the token that causes the drift.
 *
 * @param logits [..., V] of the policy
 * @param refLogits [..., V] of the reference policy
 * @param temperature that both are divided by, > 0
 * @returns [...], nats, without the last axis
 */
export function exactKl(logits: tf.Tensor, refLogits: tf.Tensor, temperature = 1): tf.Tensor {
  return tf.tidy(() => {
    const logPi = tf.logSoftmax(tf.div(logits, temperature));
    const logRef = tf.logSoftmax(tf.div(refLogits, temperature));
    return tf.sum(tf.mul(tf.exp(logPi), tf.sub(logPi, logRef)), -1);
  });
}
