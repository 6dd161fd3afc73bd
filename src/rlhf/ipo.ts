/**
 * IPO: the log-ratios of chosen and rejected are to differ by 1 / (2 beta), and no further, however sure the labels are.
 * Azar et al. 2023 (arXiv:2310.12036), equation 17.
 *
 * Two conventions are in use under one name. The paper's sums the log-probs of a reply, as does OpenRLHF; TRL divides
 * each log-ratio by the reply's length, so that the same beta asks for far more. Both are here, named apart.
 */
import * as tf from '@tensorflow/tfjs-core';
import { preferenceDefaults } from '../methods';
import { ipoLoss } from './preferenceLosses';
import type { PreferenceMethod } from './preferenceOptimisation';

/** Reported in units of the loss: log-ratios, not multiplied by beta. */
export const IPO: PreferenceMethod = {
  name: 'IPO',
  needsReference: true,
  loss: (logProbs, _lengths, { beta }) => ipoLoss(logProbs, beta),
  reward: (logProbs, refLogProbs) => tf.sub(logProbs, refLogProbs),
  defaults: preferenceDefaults('IPO'),
};

export const IPO_MEAN: PreferenceMethod = {
  name: 'IPO by token',
  needsReference: true,
  loss: (logProbs, lengths, { beta }) => ipoLoss(logProbs, beta, lengths),
  reward: (logProbs, refLogProbs, lengths) => tf.div(tf.sub(logProbs, refLogProbs), lengths),
  defaults: preferenceDefaults('IPO by token'),
};
