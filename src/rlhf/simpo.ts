/**
 * SimPO: no reference policy. A reply's reward is its mean log-prob, which is what sampling follows, and the chosen one
 * must win by a margin.
 * Meng et al. 2024 (arXiv:2405.14734), equation 6; gamma is the margin itself, not the paper's ratio gamma / beta.
 */
import * as tf from '@tensorflow/tfjs-core';
import { preferenceDefaults } from '../methods';
import { simpoLoss } from './preferenceLosses';
import type { PreferenceMethod } from './preferenceOptimisation';

export const SIMPO: PreferenceMethod = {
  name: 'SimPO',
  needsReference: false,
  loss: (logProbs, lengths, { beta, gamma }) => simpoLoss(logProbs, lengths, beta, gamma),
  reward: (logProbs, _ref, lengths, { beta }) => tf.mul(beta, tf.div(logProbs, lengths)),
  defaults: preferenceDefaults('SimPO'),
};
