/**
 * RLOO: REINFORCE whose baseline is the mean of the other replies to the same prompt.
 * Ahmadian et al. 2024 (arXiv:2402.14740); Kool et al. 2019.
 *
 *   R_i = score_i - beta Σ_t k1_t,   A_i = R_i - mean_{j ≠ i} R_j
 *
 * The whole reply is one action: one reward, one ratio. Our deviations: two epochs with PPO's clip on that ratio, as
 * TRL's trainer has them (the paper takes one step a batch, where the clip does nothing).
 */
import { policyGradientDefaults } from '../methods';
import { rlooAdvantages } from './groupAdvantages';
import type { PolicyGradientMethod } from './policyGradient';
import { chargedScores, spread } from './replyAdvantages';

export const RLOO: PolicyGradientMethod = {
  name: 'RLOO',
  advantages: (episodes) => spread(rlooAdvantages(chargedScores(episodes), episodes.replies), episodes),
  ratioOf: 'reply',
  weighting: 'replies',
  leastReplies: 2,
  defaults: policyGradientDefaults('RLOO'),
};
