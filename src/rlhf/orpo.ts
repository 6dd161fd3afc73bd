/**
 * ORPO: imitation of the chosen reply and a penalty on the odds of the rejected one, in one stage and without a
 * reference.
 * Hong et al. 2024 (arXiv:2403.07691), equations 6 and 7; beta is the paper's lambda.
 *
 * Our deviation: the imitated tokens are the reply's alone (TRL's include the prompt's), as in our SFT.
 */
import * as tf from '@tensorflow/tfjs-core';
import { preferenceDefaults } from '../methods';
import { orpoLoss } from './preferenceLosses';
import type { PreferenceMethod } from './preferenceOptimisation';

export const ORPO: PreferenceMethod = {
  name: 'ORPO',
  needsReference: false,
  loss: (logProbs, lengths, { beta }) =>
    orpoLoss(logProbs, lengths, tf.neg(tf.div(logProbs.chosen, lengths.chosen)), beta),
  reward: (logProbs, _ref, lengths, { beta }) => tf.mul(beta, tf.div(logProbs, lengths)),
  defaults: preferenceDefaults('ORPO'),
};
