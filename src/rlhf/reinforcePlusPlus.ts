/**
 * REINFORCE++: PPO without its value model. Each token is worth what comes after it, in standard deviations of the batch.
 * Hu 2025 (arXiv:2501.03262), section 3.
 *
 *   R_t = Σ_{s ≥ t} -beta k1_s, and the score at the end;   A_t = (R_t - mean) / sd over all tokens of the batch
 */
import { policyGradientDefaults } from '../methods';
import type { Episodes, PolicyGradientMethod } from './policyGradient';
import { whiten } from './whiten';

export const REINFORCE_PLUS_PLUS: PolicyGradientMethod = {
  name: 'REINFORCE++',
  advantages: (episodes) => whiten(tokenReturns(episodes), episodes.mask),
  ratioOf: 'token',
  weighting: 'tokens',
  leastReplies: 1,
  defaults: policyGradientDefaults('REINFORCE++'),
};

/** [B, R], 0 outside the mask: what is paid from each token on. */
export function tokenReturns({ scores, kl, mask, klCoef, responseLength: R }: Episodes): Float32Array {
  const returns = new Float32Array(mask.length);
  scores.forEach((score, b) => {
    let left = score;
    for (let i = (b + 1) * R - 1; i >= b * R; i--) {
      if (mask[i] === 0) continue;
      left -= klCoef * (kl[i] as number);
      returns[i] = left;
    }
  });
  return returns;
}
