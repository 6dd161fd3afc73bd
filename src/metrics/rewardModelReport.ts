/** What is said of a reward model when its training is over. */
import { type MetricInfo, watch, within } from './metric';
import { REWARD_MODEL } from './rewardModel';

export const REWARD_MODEL_REPORT = {
  heldOutAccuracy: REWARD_MODEL.eval_accuracy,
  kendallTau: {
    label: 'Kendall’s tau',
    meaning: '1 is your order, 0 is chance, −1 is your order turned round.',
    unit: '',
    formula:
      'Mean over held-out rankings of tau-b = (pairs in order − pairs the other way round) / √(pairs untied by you × pairs untied by the scores).',
    differs: 'Open-Assistant logs it as well; TRL gives pair accuracy alone.',
    healthy: within(
      0.4,
      null,
      'About 0.5 to 0.8, which is twice the pair accuracy less 1. Near 0: nothing was learnt.',
    ),
  },
  rankings: {
    label: 'Learned from',
    meaning: 'Rankings that were trained on, and the pairs in them that are no tie.',
    unit: 'rankings',
    formula: 'Count of the rankings that are neither held out nor without a pair.',
    differs: null,
    healthy: watch('Two hundred bring most of what there is to gain here; how many are enough depends on the task.'),
  },
  membersAccuracy: {
    label: 'Each by itself',
    meaning: 'Held-out pair accuracy of each model that scores; the one above is of their average.',
    unit: 'share',
    formula: 'As the held-out pair accuracy, by the scores of one model.',
    differs: null,
    healthy: within(0.7, null, 'Close to each other, and a little below that of their average.'),
  },
  caught: {
    label: 'Breaches of the rule caught',
    meaning: 'Share of held-out breaches that the rule model calls so, beside its false alarms on other replies.',
    unit: 'share',
    formula:
      'Breaches with P(keeps the rule) < 0.5 ÷ held-out breaches; false alarms: the same of the replies that keep it.',
    differs: 'Sparrow has 23 rules, and a model that reads them; here one flag stands for all.',
    healthy: within(0.5, null, 'Most of them, with few false alarms.'),
  },
  calibration: {
    label: 'Calibration error',
    meaning: 'How far its certainty is from how often it is right.',
    unit: 'share',
    formula:
      'Mean over held-out pairs of |sure − right| of their bin; sure is σ(|difference of raw rewards|), in five bins from 0.5 to 1.',
    differs: null,
    healthy: within(
      null,
      0.15,
      'An error below about 0.1. Surer than right, as after many passes over few rankings: take fewer epochs or more rankings.',
    ),
  },
  checkedPairs: {
    label: 'Pairs in order',
    meaning:
      'Share of pairs of new replies, by each model as it is now, that the reward model orders as the labeler does.',
    unit: 'share',
    formula:
      'As the held-out pair accuracy, over rankings that a simulated labeler makes of replies sampled for the check.',
    differs: null,
    healthy: within(
      0.6,
      null,
      'As on held-out pairs. Far fewer on the policy’s replies: it has moved to where the reward model knows little. Rank some of them, and train it again.',
    ),
  },
} satisfies Record<string, MetricInfo>;
