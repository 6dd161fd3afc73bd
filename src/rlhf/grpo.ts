/**
 * GRPO: a reply is judged by how many standard deviations of its group it is above the others.
 * DeepSeekMath (arXiv:2402.03300), section 4.1.
 *
 *   A_i = (score_i - mean) / (sd + 1e-4);   L = mean over replies of the mean over their tokens of
 *   max(-A r, -A clip(r)) + klLossCoef · k3
 *
 * The KL is a term of the loss and not of the reward, and is k3, whose gradient there is that of KL(piRef ‖ pi): see
 * `KlLoss`. Our deviation: the default is k2, whose gradient is that of the KL which is reported.
 *
 * Dr. GRPO (Liu et al. 2025, arXiv:2503.20783) takes out the two divisions that favour some replies: by the deviation,
 * which favours prompts whose replies are nearly all alike, and by a reply's own length, which favours short good and
 * long bad ones.
 */
import { policyGradientDefaults } from '../methods';
import { drGrpoAdvantages, grpoAdvantages } from './groupAdvantages';
import type { PolicyGradientMethod } from './policyGradient';
import { spread } from './replyAdvantages';

export const GRPO: PolicyGradientMethod = {
  name: 'GRPO',
  advantages: (episodes) => spread(grpoAdvantages(episodes.scores, episodes.replies), episodes),
  ratioOf: 'token',
  weighting: 'replies',
  leastReplies: 2,
  defaults: policyGradientDefaults('GRPO'),
};

export const DR_GRPO: PolicyGradientMethod = {
  ...GRPO,
  name: 'Dr. GRPO',
  advantages: (episodes) => spread(drGrpoAdvantages(episodes.scores, episodes.replies), episodes),
  weighting: 'constant',
};
