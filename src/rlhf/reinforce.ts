/**
 * REINFORCE: the oldest policy gradient, with a baseline that remembers what replies have been worth.
 * Williams 1992, sections 4 and 5 (reinforcement comparison).
 *
 *   R_i = score_i - beta Σ_t k1_t;   A_i = R_i - b;   b ← 0.9 b + 0.1 mean R after each batch, from the first one's mean
 *
 * No clip. Where the whole batch is one step the sample is the policy's own: the ratio is 1, and its gradient is that of
 * log pi. Our deviation: 128 replies in minibatches of 32 are four steps a batch, and from the second on the sample is an
 * older policy's; importance ratios of the whole reply, which no clip holds, set that right in expectation.
 * `minibatchSize` 128 is the paper's.
 */
import { policyGradientDefaults } from '../methods';
import type { PolicyGradientMethod } from './policyGradient';
import { chargedScores, spread } from './replyAdvantages';

/** What the baseline keeps of itself. */
const MEMORY = 0.9;

export const REINFORCE: PolicyGradientMethod = {
  name: 'REINFORCE',
  advantages: (episodes, memory) => {
    const worth = chargedScores(episodes);
    const mean = worth.reduce((sum, own) => sum + own, 0) / worth.length;
    const baseline = memory['baseline'] ?? mean;
    memory['baseline'] = MEMORY * baseline + (1 - MEMORY) * mean;
    return spread(
      worth.map((own) => own - baseline),
      episodes,
    );
  },
  ratioOf: 'reply',
  weighting: 'replies',
  leastReplies: 1,
  defaults: policyGradientDefaults('REINFORCE'),
};
