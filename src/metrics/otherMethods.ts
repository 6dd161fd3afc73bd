/** What methods other than PPO report beside its numbers, or in place of them. */
import { GRAD_NORM, LEARNING_RATE, type MetricInfo, watch, within } from './metric';

export const OTHER_METHODS = {
  loss: {
    label: 'Loss',
    meaning: 'What the method brings down: for DPO, how badly the policy explains who was ranked above whom.',
    unit: '',
    formula:
      'DPO: mean over rankings of the mean over their pairs of −log σ(β (log-ratio of the better − of the worse)), log-ratios summed over a reply’s tokens, plus the guard. KTO: mean over thumbs. Rejection sampling: −log π of the replies that were kept, mean over their tokens.',
    differs:
      'IPO: TRL divides a log-ratio by its length, the paper and OpenRLHF do not. SimPO: TRL’s γ stands by itself, rlhf-book’s is a multiple of β. ORPO: TRL imitates the prompt’s tokens too.',
    healthy: watch('Falls. DPO begins at exactly 0.693, a coin toss, since the policy is still its reference.'),
  },
  'rewards/accuracies': {
    label: 'Pairs in order',
    meaning: 'Share of pairs whose better reply the policy itself rewards more.',
    unit: 'share',
    formula:
      'Pairs in the labeler’s order ÷ pairs that the labeler ordered, over the rankings of the step; equal rewards count half.',
    differs: 'TRL has one pair an example; here all pairs of a ranking count.',
    healthy: within(
      0.4,
      null,
      'From 0.5 up. Below 0.4 it learns the opposite. Near 1 at once, with text that gets worse: the rate is too high.',
    ),
  },
  'rewards/margins': {
    label: 'Margin',
    meaning: 'Reward that the policy gives the better reply of a pair, less that of the worse, mean over pairs.',
    unit: 'reward',
    formula:
      'Mean over ordered pairs of reward(better) − reward(worse). The reward is β × log-ratio for DPO, the log-ratio for IPO, β × mean log π of a token for SimPO and ORPO.',
    differs: null,
    healthy: watch('Grows from 0. Growing without end is learning by heart.'),
  },
  'rewards/chosen': {
    label: 'Best reply',
    meaning: 'Reward that the policy gives the best reply of a ranking.',
    unit: 'reward',
    formula:
      'Mean over the step’s rankings of the reward of the best reply (of several, their mean); KTO: of thumbs up.',
    differs: 'TRL takes the better reply of each pair.',
    healthy: watch('Stays near 0 or rises. Falling with that of the worst: good replies are lost too; use the guard.'),
  },
  'rewards/rejected': {
    label: 'Worst reply',
    meaning: 'Reward that the policy gives the worst reply of a ranking.',
    unit: 'reward',
    formula:
      'Mean over the step’s rankings of the reward of the worst reply (of several, their mean); KTO: of thumbs down.',
    differs: 'TRL takes the worse reply of each pair.',
    healthy: watch('Falls.'),
  },
  kl: {
    label: 'Drift (KL)',
    meaning: 'Estimate of the drift of the policy from its reference that KTO holds rewards against.',
    unit: 'nats a reply',
    formula:
      'Mean over the step’s prompts of Σ (log π − log π_ref) over the tokens of the next prompt’s reply; 0 where that is negative.',
    differs: null,
    healthy: within(null, 4, 'Stays small.'),
  },
  frac_reward_zero_std: {
    label: 'Groups without a difference',
    meaning: 'Share of prompts whose replies all have the same score, so that nothing is learnt from them.',
    unit: 'share',
    formula: 'Prompts whose replies have equal scores ÷ prompts of the update.',
    differs: 'OpenRLHF gives the deviation itself, group_reward_std.',
    healthy: within(null, 0.5, 'Low. Near 1: the replies are all alike.'),
  },
  learning_rate: LEARNING_RATE,
  grad_norm: GRAD_NORM,
} satisfies Record<string, MetricInfo>;
