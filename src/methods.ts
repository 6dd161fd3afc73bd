/**
 * The ways in which a policy is made from rankings: PPO, and every other that the page and `npm run results -- methods`
 * know, with what each is run with. The algorithms are in rlhf, under the same names.
 */
import { DEFAULT_SETTINGS, KL_LOSSES, type PolicyGradientSettings, type PreferenceSettings } from './config';

export type MethodFamily = 'ppo' | 'policyGradient' | 'preferences';

export type MethodName =
  | 'PPO'
  | 'RLOO'
  | 'GRPO'
  | 'Dr. GRPO'
  | 'REINFORCE'
  | 'REINFORCE++'
  | 'online DPO'
  | 'rejection sampling'
  | 'DPO'
  | 'cDPO'
  | 'robust DPO'
  | 'IPO'
  | 'IPO by token'
  | 'SimPO'
  | 'ORPO'
  | 'KTO';

export interface MethodInfo {
  name: MethodName;
  /** Whose settings it has. */
  family: MethodFamily;
  /** One plain sentence. */
  sentence: string;
  source: string;
  /** Where it departs from `DEFAULT_SETTINGS` of its family. */
  changes?: Partial<PolicyGradientSettings & PreferenceSettings>;
  /** Settings of its family that change nothing in it; the page does not show them. */
  ignores: readonly (keyof PolicyGradientSettings | keyof PreferenceSettings)[];
}

/** No ratio is as far from 1. */
const NO_CLIP = 1e9;

/** Of the loss on advantages, its optimiser, and the reward that drift is taken off. */
const OF_POLICY_GRADIENTS = [
  ...(['klLoss', 'klLossCoef', 'clipRange', 'clipRangeHigh', 'entropyCoef', 'maxGradNorm'] as const),
  ...(['adaptiveKl', 'klTarget', 'klHorizon', 'emaDecay'] as const),
] as const;

export const METHODS: readonly MethodInfo[] = [
  {
    name: 'PPO',
    family: 'ppo',
    sentence: 'A value model foretells what each word will earn; steps are clipped.',
    source: 'Schulman et al. 2017; Ouyang et al. 2022',
    ignores: [],
  },
  {
    name: 'RLOO',
    family: 'policyGradient',
    sentence: 'A reply is judged by how much better it is than the others to the same prompt. No value model.',
    source: 'Ahmadian et al. 2024, arXiv:2402.14740',
    ignores: ['guardCoef'],
  },
  {
    name: 'GRPO',
    family: 'policyGradient',
    sentence: 'As RLOO, in deviations of the group, with the drift charged in the loss.',
    source: 'Shao et al. 2024, arXiv:2402.03300',
    changes: { klCoef: 0, klLoss: KL_LOSSES.indexOf('k2'), klLossCoef: 0.3 },
    ignores: ['guardCoef'],
  },
  {
    name: 'Dr. GRPO',
    family: 'policyGradient',
    sentence: 'GRPO without two biases: no division by the deviation, nor by the length of the reply.',
    source: 'Liu et al. 2025, arXiv:2503.20783',
    changes: { klCoef: 0, klLoss: KL_LOSSES.indexOf('k2'), klLossCoef: 0.3 },
    ignores: ['guardCoef'],
  },
  {
    name: 'REINFORCE',
    family: 'policyGradient',
    sentence: 'One reply a prompt, judged by a running average. The oldest and the plainest.',
    source: 'Williams 1992',
    changes: { prompts: 128, replies: 1, epochs: 1, clipRange: NO_CLIP, clipRangeHigh: NO_CLIP },
    ignores: ['guardCoef'],
  },
  {
    name: 'REINFORCE++',
    family: 'policyGradient',
    sentence: 'One reply a prompt, what each word earns whitened over the batch, and clipped as PPO.',
    source: 'Hu 2025, arXiv:2501.03262',
    changes: { prompts: 128, replies: 1 },
    ignores: ['guardCoef'],
  },
  {
    name: 'online DPO',
    family: 'policyGradient',
    sentence: "DPO on the policy's own replies of this moment, ordered by the reward model.",
    source: 'Guo et al. 2024, arXiv:2402.04792',
    changes: { klCoef: 0.3, learningRate: 1e-3, epochs: 1 },
    ignores: [...OF_POLICY_GRADIENTS, 'epochs', 'minibatchSize'],
  },
  {
    name: 'rejection sampling',
    family: 'policyGradient',
    sentence: 'Samples several replies, keeps the best by the reward model, and imitates it.',
    source: 'Touvron et al. 2023, arXiv:2307.09288',
    changes: { updates: 4, prompts: 256, epochs: 1, minibatchSize: 16, klCoef: 0 },
    ignores: [...OF_POLICY_GRADIENTS, 'klCoef', 'missingEosPenalty', 'guardCoef'],
  },
  {
    name: 'DPO',
    family: 'preferences',
    sentence: 'Learns from the rankings with no reward model in between, since the policy is one itself.',
    source: 'Rafailov et al. 2023, arXiv:2305.18290',
    ignores: ['gamma', 'labelSmoothing'],
  },
  {
    name: 'cDPO',
    family: 'preferences',
    sentence: 'DPO that takes some of the rankings to be wrong.',
    source: 'Mitchell 2023',
    ignores: ['gamma'],
  },
  {
    name: 'robust DPO',
    family: 'preferences',
    sentence: 'DPO that takes the bias of wrong rankings out again.',
    source: 'Chowdhury et al. 2024, arXiv:2403.00409',
    ignores: ['gamma'],
  },
  {
    name: 'IPO',
    family: 'preferences',
    sentence: 'Asks the better reply to win by so much and no more, so that sure labels do not carry it away.',
    source: 'Azar et al. 2023, arXiv:2310.12036',
    changes: { beta: 0.1 },
    ignores: ['gamma', 'labelSmoothing'],
  },
  {
    name: 'IPO by token',
    family: 'preferences',
    sentence: 'IPO with log-ratios divided by length, as TRL has it.',
    source: 'TRL, loss_type="ipo"',
    changes: { beta: 1 },
    ignores: ['gamma', 'labelSmoothing'],
  },
  {
    name: 'SimPO',
    family: 'preferences',
    sentence: 'Compares likelihoods a word, with a margin and without a reference.',
    source: 'Meng et al. 2024, arXiv:2405.14734',
    changes: { beta: 2, gamma: 1, learningRate: 2e-4 },
    ignores: ['labelSmoothing'],
  },
  {
    name: 'ORPO',
    family: 'preferences',
    sentence: 'Imitates the better reply and lowers the odds of the worse, in one stage.',
    source: 'Hong et al. 2024, arXiv:2403.07691',
    changes: { learningRate: 1e-3 },
    ignores: ['gamma', 'labelSmoothing'],
  },
  {
    name: 'KTO',
    family: 'preferences',
    sentence: 'Learns from thumbs up and down; of a ranking without any, the best counts as up and the worst as down.',
    source: 'Ethayarajh et al. 2024, arXiv:2402.01306',
    changes: { rankingsPerStep: 16 },
    ignores: ['gamma', 'labelSmoothing'],
  },
];

export function methodInfo(name: MethodName): MethodInfo {
  const info = METHODS.find((method) => method.name === name);
  if (!info) throw new RangeError(`There is no method "${name}".`);
  return info;
}

/** What a method without a value model is run with unless told otherwise. */
export const policyGradientDefaults = (name: MethodName): PolicyGradientSettings => ({
  ...DEFAULT_SETTINGS.policyGradient,
  ...methodInfo(name).changes,
});

/** What a method without a reward model is run with unless told otherwise. */
export const preferenceDefaults = (name: MethodName): PreferenceSettings => ({
  ...DEFAULT_SETTINGS.preferences,
  ...methodInfo(name).changes,
});
