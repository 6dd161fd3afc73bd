/** What the methods without a value model are run with, but for what each of them changes. Measured at this scale. */
import { DEFAULT_SETTINGS } from '../config';
import type { PolicyGradientSettings } from './policyGradient';

const { updates, klCoef, temperature, maxNewTokens, missingEosPenalty, maxGradNorm } = DEFAULT_SETTINGS.ppo;

export const POLICY_GRADIENT_DEFAULTS: PolicyGradientSettings = {
  updates,
  prompts: 32,
  replies: 4,
  epochs: 2,
  minibatchSize: 32,
  learningRate: 4e-4,
  klCoef,
  klLoss: 'none',
  klLossCoef: 0,
  clipRange: 0.2,
  clipRangeHigh: 0.2,
  entropyCoef: 0,
  temperature,
  maxNewTokens,
  missingEosPenalty,
  maxGradNorm,
};
