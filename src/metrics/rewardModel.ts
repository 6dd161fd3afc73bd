/** What training a reward model reports. */
import { RANKING_LOSSES, REPLIES_PER_PROMPT, type RewardModelSettings } from '../config';
import {
  figure,
  GRAD_NORM,
  LEARNING_RATE,
  type MetricInfo,
  type RunStart,
  rewardModelSettings,
  watch,
  within,
} from './metric';

/** How far above chance a loss may lie by the luck of a batch. */
const CHANCE_SLACK = 1.08;

/** How a number is taken where several models are trained side by side. */
const OF_SEVERAL = 'of several models the mean of theirs';

/** Nats of a coin toss. */
const COIN = Math.LN2;

/** The ranking loss of a model that cannot tell `REPLIES_PER_PROMPT` replies apart; formulas in rlhf/rankingLoss.ts. */
export function chanceLoss({ loss, margin }: Pick<RewardModelSettings, 'loss' | 'margin'>): number {
  const K = REPLIES_PER_PROMPT;
  switch (RANKING_LOSSES[loss]) {
    case 'whole ranking':
      return Array.from({ length: K }, (_, k) => Math.log(k + 1)).reduce((sum, nats) => sum + nats, 0);
    case 'best only':
      return Math.log(K);
    default: {
      // Of K replies K - d pairs are d steps apart, if none tie and no step is much better, and each is asked to win by d margins.
      const pairs = Array.from({ length: K - 1 }, (_, i) => ({ count: K - 1 - i, apart: i + 1 }));
      const sum = pairs.reduce((nats, { count, apart }) => nats + count * Math.log1p(Math.exp(margin * apart)), 0);
      return sum / ((K * (K - 1)) / 2);
    }
  }
}

function healthyLoss(run: RunStart): ReturnType<typeof within> {
  const chance = chanceLoss(rewardModelSettings(run));
  return within(
    null,
    CHANCE_SLACK * chance,
    `From ${figure(chance)}, which is guessing, down. Staying there means that it learns nothing.`,
  );
}

export const REWARD_MODEL = {
  loss: {
    label: 'Ranking loss',
    meaning: 'How badly the reward model explains how replies were ranked, by the loss that was chosen.',
    unit: 'nats',
    formula: `Mean over the step’s rankings. All pairs: mean over a ranking’s pairs of −log σ(better − worse − margin × steps apart). Whole ranking: sum over places of −log softmax of the reply there among those not yet placed. Best only: −log softmax of the best. If asked for, the squares that centre rewards are added; ${OF_SEVERAL}.`,
    differs:
      'InstructGPT: all pairs. TRL, OpenRLHF and DeepSpeed-Chat know single pairs only. lm-human-preferences: the best of four, from 1.386.',
    healthy: healthyLoss,
  },
  accuracy: {
    label: 'Pair accuracy',
    meaning: 'Share of pairs that the reward model orders as the labeler did.',
    unit: 'share',
    formula: `Pairs in the labeler’s order ÷ pairs that the labeler ordered, over all rankings of the step, equal rewards counted half; ${OF_SEVERAL}.`,
    differs: 'TRL has one pair an example; here all pairs of a ranking count.',
    healthy: within(
      0.5,
      null,
      'On pairs held out 0.75 to 0.9. Near 1 in training while held-out stays flat: learnt by heart.',
    ),
  },
  eval_accuracy: {
    label: 'Held-out pair accuracy',
    meaning:
      'Share of pairs of rankings that were never trained on which the model orders as the labeler did; once, after the last step.',
    unit: 'share',
    formula:
      'As the pair accuracy, over all held-out rankings; by the mean of their scores where several models score together.',
    differs: null,
    healthy: within(0.7, null, 'From 0.75 to 0.9. Near 0.5: nothing was learnt that holds elsewhere.'),
  },
  rule_loss: {
    label: 'Loss of the rule model',
    meaning: 'Minus the log-probability of the flags: log sigmoid of the log-odds that a reply keeps the rule.',
    unit: 'nats a reply',
    formula: 'Mean over the step’s flagged replies of −log σ(z) where the rule is kept, −log σ(−z) where it is broken.',
    differs: 'Sparrow learns from flags of each of 23 rules; here one flag stands for all.',
    healthy: within(null, CHANCE_SLACK * COIN, 'Falls from 0.69, which is knowing nothing.'),
  },
  rule_accuracy: {
    label: 'Rule told',
    meaning: 'Share of the batch’s replies that the rule model calls a breach, or none, as they were flagged.',
    unit: 'share',
    formula: 'Replies whose log-odds have the sign of their flag ÷ flagged replies of the step.',
    differs: null,
    healthy: within(0.7, null, 'Soon above the share of replies that keep the rule.'),
  },
  margin: {
    label: 'Margin',
    meaning: 'Mean reward of the better reply of a pair less that of the worse.',
    unit: 'reward',
    formula: 'Mean over all ordered pairs of the step of reward(better) − reward(worse), raw.',
    differs: null,
    healthy: within(0, null, 'Grows from 0. Very large means more certainty than a few rankings can give.'),
  },
  min_reward: {
    label: 'Lowest reward',
    meaning: 'Lowest raw reward in the batch.',
    unit: 'reward',
    formula: 'Least of the rewards of all replies of the step, before they are normalised.',
    differs: null,
    healthy: watch('Spreads from the mean as the model learns.'),
  },
  mean_reward: {
    label: 'Mean reward',
    meaning: 'Mean raw reward in the batch.',
    unit: 'reward',
    formula: 'Mean over all replies of the step of the reward before it is normalised.',
    differs:
      'lm-human-preferences scales rewards before training as well as after; summarize-from-feedback only shifts them, by the mean of demonstrations.',
    healthy: watch('May drift: only differences are learnt. It is set to 0 when training ends.'),
  },
  max_reward: {
    label: 'Highest reward',
    meaning: 'Highest raw reward in the batch.',
    unit: 'reward',
    formula: 'Greatest of the rewards of all replies of the step, before they are normalised.',
    differs: null,
    healthy: watch('Spreads from the mean as the model learns.'),
  },
  learning_rate: LEARNING_RATE,
  grad_norm: GRAD_NORM,
} satisfies Record<string, MetricInfo>;
