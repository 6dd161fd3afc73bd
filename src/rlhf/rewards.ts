/**
 * From scores (one a response) to rewards (one a token).
 *
 * Plain arrays on the host, row-major: B responses of R tokens each. Nothing here is differentiated.
 */
import { InputError, ShapeError } from '../errors';

export interface ShapedRewards {
  /** [B, R]: what PPO maximises, token by token; 0 outside the mask. */
  rewards: Float32Array;
  /** [B]: sum of k1 over each response, in nats. */
  kl: Float32Array;
  /** [B]: -klCoef · kl, the part of the return that is not the score. */
  nonScoreRewards: Float32Array;
}

/**
 * Charges every token for its drift from the reference policy and pays the score on the last real token.
 *
 * R_t = -klCoef · (log pi(a_t) - log piRef(a_t));  R_last += score
 *
 * Ziegler et al. 2019, equation 2; InstructGPT (arXiv:2203.02155), equation 2, without its pretraining term. The score
 * is paid on the stop token itself (TRL pays it one slot later where there is room); the sum is the same. The
 * estimator is k1, whose gradient as a reward is that of KL(pi ‖ piRef). k2's and k3's vanish to first order where pi is
 * piRef (k3: that of KL(pi ‖ piRef) less that of KL(piRef ‖ pi)), and an exact KL would not charge the token that causes
 * the drift.
 *
 * @param episodes.logProbs [B, R] of the policy that sampled, at the sampling temperature
 * @param episodes.refLogProbs [B, R] of the reference policy, at the same temperature
 * @param episodes.responseMask [B, R] 1 on response tokens, the stop token included; may begin anywhere in the row
 * @param episodes.scores [B] normalised scores, after any penalty
 * @param responseLength R
 * @param klCoef beta, >= 0
 * @throws ShapeError if the lengths disagree; InputError if a response has no token
 */
export function shapedRewards(
  episodes: {
    logProbs: Float32Array;
    refLogProbs: Float32Array;
    responseMask: Float32Array;
    scores: Float32Array;
  },
  responseLength: number,
  klCoef: number,
): ShapedRewards {
  const { logProbs, refLogProbs, responseMask, scores } = episodes;
  const batch = scores.length;
  const tokens = batch * responseLength;
  if (logProbs.length !== tokens || refLogProbs.length !== tokens || responseMask.length !== tokens) {
    throw new ShapeError(
      'shapedRewards',
      `${batch} x ${responseLength} log-probs, reference log-probs and mask`,
      `${logProbs.length}, ${refLogProbs.length} and ${responseMask.length} numbers`,
    );
  }
  const rewards = new Float32Array(tokens);
  const kl = new Float32Array(batch);
  for (let b = 0; b < batch; b++) {
    let last = -1;
    let sum = 0;
    for (let i = b * responseLength; i < (b + 1) * responseLength; i++) {
      if (responseMask[i] === 0) continue;
      const k1 = logProbs[i]! - refLogProbs[i]!;
      rewards[i] = -klCoef * k1;
      sum += k1;
      last = i;
    }
    if (last < 0) {
      throw new InputError(
        `Response ${b} has no token to pay its score on.`,
        'A response holds at least the token that ended it; please report this.',
      );
    }
    rewards[last]! += scores[b]!;
    kl[b] = sum;
  }
  return { rewards, kl, nonScoreRewards: kl.map((nats) => -klCoef * nats) };
}

/**
 * Takes a fixed penalty off the score of every response that never stopped.
 *
 * TRL, `missing_eos_penalty`. (lm-human-preferences replaces the score by -1 instead, which throws away what the
 * reward model saw.)
 *
 * @param scores [B]
 * @param finished [B] whether each response ended with the stop token
 * @param penalty >= 0, in units of the normalised score
 * @returns [B], a new array
 */
export function penaliseMissingEos(scores: Float32Array, finished: readonly boolean[], penalty: number): Float32Array {
  if (finished.length !== scores.length) {
    throw new ShapeError('penaliseMissingEos', `${scores.length} flags`, `${finished.length}`);
  }
  return scores.map((score, b) => (finished[b] ? score : score - penalty));
}

/** normalised = gain · raw + bias */
export interface RewardNormalisation {
  gain: number;
  bias: number;
}

/**
 * The gain and bias that give the reward model mean 0 and standard deviation 1 on the reference policy's replies.
 *
 * gain = 1 / sd;  bias = -mean / sd
 *
 * lm-human-preferences, `train_reward.py`. Advantages are whitened, so the policy loss does not see the reward's
 * scale, but the value loss and the balance against klCoef do: without this, klCoef has no fixed meaning. The standard
 * deviation is the biased one, as there.
 *
 * @param samples raw rewards of replies of the reference policy, at least 2 that differ
 * @throws InputError if the samples do not differ
 */
export function rewardNormalisation(samples: ArrayLike<number>): RewardNormalisation {
  const n = samples.length;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += samples[i]! / n;
  let variance = 0;
  for (let i = 0; i < n; i++) variance += (samples[i]! - mean) ** 2 / n;
  if (!(variance > 0)) {
    throw new InputError(
      `The reward model gives all ${n} sample replies the same score.`,
      'Rank a few more prompts whose replies differ, then train it again.',
    );
  }
  const deviation = Math.sqrt(variance);
  return { gain: 1 / deviation, bias: -mean / deviation };
}

/** gain · raw + bias for each of [B] raw rewards; a new array. */
export function normaliseRewards(raw: Float32Array, { gain, bias }: RewardNormalisation): Float32Array {
  return raw.map((reward) => gain * reward + bias);
}
