/**
 * DPO: the policy learns from rankings with no reward model in between, since it is one itself.
 * Rafailov et al. 2023 (arXiv:2305.18290), equations 5 and 7.
 *
 *   r(x, y) = beta (log pi(y | x) - log piRef(y | x));   loss = -log sigmoid(r_chosen - r_rejected)
 *
 * Conservative DPO (Mitchell 2023) takes labels to be wrong with a probability e and mixes both orders; robust DPO
 * (Chowdhury et al. 2024, arXiv:2403.00409) undoes the bias that such labels give. The formulas are in
 * preferenceLosses.ts, the loop and our deviations in preferenceOptimisation.ts.
 */
import * as tf from '@tensorflow/tfjs-core';
import { preferenceDefaults } from '../methods';
import { conservativeDpoLoss, dpoLoss, robustDpoLoss } from './preferenceLosses';
import type { PreferenceMethod } from './preferenceOptimisation';

/** beta (log pi - log piRef), [B] */
const logRatioReward: PreferenceMethod['reward'] = (logProbs, refLogProbs, _lengths, { beta }) =>
  tf.mul(beta, tf.sub(logProbs, refLogProbs));

export const DPO: PreferenceMethod = {
  name: 'DPO',
  needsReference: true,
  loss: (logProbs, _lengths, { beta }) => dpoLoss(logProbs, beta),
  reward: logRatioReward,
  defaults: preferenceDefaults('DPO'),
};

export const CONSERVATIVE_DPO: PreferenceMethod = {
  ...DPO,
  name: 'cDPO',
  defaults: preferenceDefaults('cDPO'),
  loss: (logProbs, _lengths, { beta, labelSmoothing }) => conservativeDpoLoss(logProbs, beta, labelSmoothing),
};

export const ROBUST_DPO: PreferenceMethod = {
  ...DPO,
  name: 'robust DPO',
  defaults: preferenceDefaults('robust DPO'),
  loss: (logProbs, _lengths, { beta, labelSmoothing }) => robustDpoLoss(logProbs, beta, labelSmoothing),
};
