/**
 * What each token was worth: advantages and returns from rewards and values.
 *
 * Plain arrays on the host, row-major: B responses of R tokens each. Nothing here is differentiated.
 */
import { ShapeError } from '../errors';

export interface Advantages {
  /** [B, R], not whitened; 0 outside the mask. */
  advantages: Float32Array;
  /** [B, R], what the value model is trained towards; 0 outside the mask. */
  returns: Float32Array;
}

/**
 * Generalised advantage estimation.
 *
 * delta_t = R_t + gamma · V_{t+1} - V_t;  A_t = delta_t + gamma · lam · A_{t+1};  return_t = A_t + V_t
 *
 * Schulman et al. 2016 (arXiv:1506.02438), equation 16, truncated at the end of the response: V and A are 0 beyond
 * the mask, since the episode is over there. (Leaving in a value beyond the last token would count the score twice.)
 *
 * @param rewards [B, R]
 * @param values [B, R] of the value model at rollout; ignored outside the mask
 * @param responseMask [B, R] one run of ones a row
 * @param responseLength R
 * @param gamma discount, 0 to 1
 * @param lam 0 trusts the values, 1 the outcome
 * @throws ShapeError if the lengths disagree
 */
export function gae(
  rewards: Float32Array,
  values: Float32Array,
  responseMask: Float32Array,
  responseLength: number,
  gamma: number,
  lam: number,
): Advantages {
  const tokens = rewards.length;
  if (values.length !== tokens || responseMask.length !== tokens || tokens % responseLength !== 0) {
    throw new ShapeError(
      'gae',
      `rewards, values and mask of B x ${responseLength}`,
      `${tokens}, ${values.length} and ${responseMask.length} numbers`,
    );
  }
  const advantages = new Float32Array(tokens);
  const returns = new Float32Array(tokens);
  for (let row = 0; row < tokens; row += responseLength) {
    let nextValue = 0;
    let nextAdvantage = 0;
    for (let i = row + responseLength - 1; i >= row; i--) {
      if (responseMask[i] === 0) {
        nextValue = 0;
        nextAdvantage = 0;
        continue;
      }
      const delta = rewards[i]! + gamma * nextValue - values[i]!;
      nextAdvantage = delta + gamma * lam * nextAdvantage;
      nextValue = values[i]!;
      advantages[i] = nextAdvantage;
      returns[i] = nextAdvantage + nextValue;
    }
  }
  return { advantages, returns };
}

/**
 * The share of the returns' variance that the value model foresaw: 1 is all, 0 no better than their mean, negative
 * worse than that.
 *
 * EV = 1 - Σ (return - V)² / Σ (return - mean return)², over the mask
 *
 * TRL, `val/var_explained`, with the values at rollout. Taken over the whole batch: averaged over minibatches it would
 * mean something else.
 *
 * @param returns [B, R]
 * @param values [B, R] at rollout
 * @param responseMask [B, R]
 * @returns at most 1; 0 where the returns do not vary and so nothing is left to explain
 */
export function explainedVariance(returns: Float32Array, values: Float32Array, responseMask: Float32Array): number {
  let count = 0;
  let sum = 0;
  responseMask.forEach((real, i) => {
    if (real === 0) return;
    count++;
    sum += returns[i]!;
  });
  const mean = sum / count;
  let residual = 0;
  let total = 0;
  responseMask.forEach((real, i) => {
    if (real === 0) return;
    residual += (returns[i]! - values[i]!) ** 2;
    total += (returns[i]! - mean) ** 2;
  });
  return total > 0 ? 1 - residual / total : 0;
}
