/**
 * Every number that a run reports: the one definition of its key, name, meaning, unit and healthy range.
 *
 * Keys are TRL's wherever TRL has the number; those marked "ours" it does not have. What is said of a healthy range is
 * for this scale (0.1 to 5 million parameters); where it differs from what is usual for large models, `healthy.note`
 * says so. Plain text only: the page shows it, the worker fills it, and neither needs tensors to read it.
 */
import type { StageName } from './config';

export interface HealthyRange {
  /** Below this the page marks the value; null for no bound. */
  low: number | null;
  /** Above this the page marks the value; null for no bound. */
  high: number | null;
  /** What healthy looks like, and what it means when it does not, in one or two plain sentences. */
  note: string;
}

export interface MetricInfo {
  /** What the page calls it. */
  label: string;
  /** One plain sentence. */
  meaning: string;
  /** Empty for a pure number. */
  unit: string;
  healthy: HealthyRange;
}

const within = (low: number | null, high: number | null, note: string): HealthyRange => ({ low, high, note });
const watch = (note: string): HealthyRange => within(null, null, note);

const LEARNING_RATE: MetricInfo = {
  label: 'Learning rate',
  meaning: 'How far a step moves the weights now.',
  unit: '',
  healthy: watch('Follows its schedule: here it falls to 0 over the run.'),
};

const GRAD_NORM: MetricInfo = {
  label: 'Gradient norm',
  meaning: 'Length of the gradient before it is clipped.',
  unit: '',
  healthy: watch('Steady or slowly falling. A spike that does not come back comes before divergence.'),
};

/** Pretraining and supervised fine-tuning both learn the next token; they differ in which tokens count. */
const languageModel = (counted: string): Record<LanguageModelKey, MetricInfo> => ({
  loss: {
    label: 'Loss',
    meaning: `Mean surprise at the right next token, over ${counted}.`,
    unit: 'nats a token',
    healthy: watch('Falls fast, then slowly. It starts near the logarithm of the vocabulary for untrained weights.'),
  },
  perplexity: {
    label: 'Perplexity',
    meaning: 'Among how many equally likely tokens the model wavers: the exponential of the loss.',
    unit: 'tokens',
    healthy: within(1, null, 'Falls towards 2 for the small world that the shipped models learn.'),
  },
  learning_rate: LEARNING_RATE,
  grad_norm: GRAD_NORM,
  num_tokens: {
    label: 'Tokens seen',
    meaning: 'Tokens that the loss was taken over since the run began.',
    unit: 'tokens',
    healthy: watch('Only grows.'),
  },
});

type LanguageModelKey = 'loss' | 'perplexity' | 'learning_rate' | 'grad_norm' | 'num_tokens';

const REWARD_MODEL = {
  loss: {
    label: 'Ranking loss',
    meaning: 'How badly the reward model orders replies against how they were ranked, over all pairs of each ranking.',
    unit: 'nats a pair',
    healthy: within(null, 0.75, 'From 0.693, a coin toss, down. Staying at 0.693 means that it learns nothing.'),
  },
  accuracy: {
    label: 'Pair accuracy',
    meaning: 'Share of pairs that the reward model orders as the labeler did.',
    unit: 'share',
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
    healthy: within(0.7, null, 'From 0.75 to 0.9. Near 0.5: nothing was learnt that holds elsewhere.'),
  },
  rule_loss: {
    label: 'Loss of the rule model',
    meaning: 'Minus the log-probability of the flags: log sigmoid of the log-odds that a reply keeps the rule.',
    unit: 'nats',
    healthy: within(0, 0.69, 'Falls from 0.69, which is knowing nothing.'),
  },
  rule_accuracy: {
    label: 'Rule told',
    meaning: 'Share of the batch’s replies that the rule model calls a breach, or none, as they were flagged.',
    unit: 'share',
    healthy: within(0.7, 1, 'Soon above the share of replies that keep the rule.'),
  },
  margin: {
    label: 'Margin',
    meaning: 'Mean reward of the better reply of a pair less that of the worse.',
    unit: 'reward',
    healthy: within(0, null, 'Grows from 0. Very large means more certainty than a few rankings can give.'),
  },
  min_reward: {
    label: 'Lowest reward',
    meaning: 'Lowest raw reward in the batch.',
    unit: 'reward',
    healthy: watch('Spreads from the mean as the model learns.'),
  },
  mean_reward: {
    label: 'Mean reward',
    meaning: 'Mean raw reward in the batch.',
    unit: 'reward',
    healthy: watch('May drift: only differences are learnt. It is set to 0 when training ends.'),
  },
  max_reward: {
    label: 'Highest reward',
    meaning: 'Highest raw reward in the batch.',
    unit: 'reward',
    healthy: watch('Spreads from the mean as the model learns.'),
  },
  learning_rate: LEARNING_RATE,
  grad_norm: GRAD_NORM,
} satisfies Record<string, MetricInfo>;

const PPO = {
  'objective/scores': {
    label: 'Score',
    meaning: 'What the reward model gives a reply, penalties included, mean over the batch.',
    unit: 'standard deviations',
    healthy: watch('Rises from about 0 and levels off. Rising while the text gets worse is reward hacking.'),
  },
  'objective/kl': {
    label: 'Drift (KL)',
    meaning: 'How far a reply is from what the reference policy would say: the log-ratio summed over its tokens.',
    unit: 'nats a reply',
    healthy: within(
      -0.5,
      4,
      'From 0 up to the target (2 here; papers use 6 for large models). Clearly below 0: sampler and log-probs disagree. Above 4: about to break.',
    ),
  },
  'objective/kl_coef': {
    label: 'Leash',
    meaning: 'Price of one nat of drift, set by the adaptive controller.',
    unit: 'reward a nat',
    healthy: watch('Falls while the drift is below target and rises while it is above.'),
  },
  'objective/non_score_reward': {
    label: 'Drift penalty',
    meaning: 'What a reply pays for its drift: minus leash times KL, summed over its tokens.',
    unit: 'standard deviations',
    healthy: watch('A little below 0. If it outgrows the score, the leash is too tight.'),
  },
  'objective/rlhf_reward': {
    label: 'Reward',
    meaning: 'What PPO maximises: score plus drift penalty.',
    unit: 'standard deviations',
    healthy: watch('Rises. Score up with reward down means that the gain is bought with drift.'),
  },
  'objective/entropy': {
    label: 'Entropy',
    meaning: 'How open the next token is, summed over a reply.',
    unit: 'nats a reply',
    healthy: within(0, null, 'Falls a little. Towards 0: the same reply to everything. A steady rise: gibberish.'),
  },
  'val/surprise_gap': {
    label: 'Surprise less entropy',
    meaning: 'By how much sampled replies surprise the policy more than it expects of its own words (ours).',
    unit: 'nats a reply',
    healthy: within(
      -1.5,
      1.5,
      'Zero but for chance. Clearly below: words are not sampled from the policy that is scored, as with top-k. In long runs of large models the drift then turns negative.',
    ),
  },
  'policy/approxkl_avg': {
    label: 'Update size',
    meaning: 'How far the optimiser steps moved the policy from the one that sampled: half the mean squared log-ratio.',
    unit: 'nats a token',
    healthy: within(
      0,
      0.02,
      'Below 0.02; with the default settings 0.001 to 0.002. Above 0.1 the learning rate is too high.',
    ),
  },
  'policy/clipfrac_avg': {
    label: 'Clip fraction',
    meaning: 'Share of tokens at which the clipped term decides the policy loss.',
    unit: 'share',
    healthy: within(0, 0.05, 'Below 0.05. Above 0.2 the update wants to go further than it may.'),
  },
  'policy/entropy_avg': {
    label: 'Entropy a token',
    meaning: 'How open the next token is while training, mean over the tokens of the replies.',
    unit: 'nats a token',
    healthy: within(0, null, 'Moves slowly. A fall to 0 is collapse.'),
  },
  'policy/grad_norm': { ...GRAD_NORM, label: 'Policy gradient norm' },
  'value/grad_norm': { ...GRAD_NORM, label: 'Value gradient norm' },
  'loss/policy_avg': {
    label: 'Policy loss',
    meaning: 'The clipped surrogate loss, mean over tokens and minibatches.',
    unit: '',
    healthy: watch('Near 0 and noisy, slightly negative. Its size says little: watch score and drift.'),
  },
  'loss/value_avg': {
    label: 'Value loss',
    meaning: 'Half the squared error of the value model, clipped, mean over tokens and minibatches.',
    unit: '',
    healthy: watch('Falls at first, then follows the reward. A spike means that the value model lost track.'),
  },
  'val/clipfrac_avg': {
    label: 'Value clip fraction',
    meaning: 'Share of tokens at which the clipped term decides the value loss.',
    unit: 'share',
    healthy: within(0, 0.5, 'High in the first updates, then low.'),
  },
  'val/ratio': {
    label: 'Ratio',
    meaning: 'Odds of the sampled tokens under the policy now against when they were sampled, mean over tokens.',
    unit: '',
    healthy: within(0.9, 1.1, 'Very near 1.'),
  },
  'val/ratio_var': {
    label: 'Ratio variance',
    meaning: 'Variance of the mean ratio between the minibatches of an update.',
    unit: '',
    healthy: within(0, 0.01, 'Near 0.'),
  },
  'val/ratio_outside_clip': {
    label: 'Ratio outside clip',
    meaning: 'Share of tokens whose ratio is outside of the clip range, whether or not the clip decides there (ours).',
    unit: 'share',
    healthy: within(0, 0.1, 'Somewhat above the clip fraction.'),
  },
  'val/ratio_deviation': {
    label: 'Largest ratio deviation',
    meaning: "The furthest that any token's ratio was from 1, over the minibatches of an update (ours).",
    unit: '',
    healthy: within(0, 5, 'Below 1 for most updates. A single token far off is where divergence starts.'),
  },
  'val/ratio_first_deviation': {
    label: 'First ratio deviation',
    meaning: 'The furthest that any ratio was from 1 on the first minibatch, before anything was learnt (ours).',
    unit: '',
    healthy: within(
      0,
      1e-4,
      'Rounding only. Above 1e-4 the run stops: the policy that samples is not the one that trains.',
    ),
  },
  'val/explained_variance': {
    label: 'Explained variance',
    meaning: 'Share of the ups and downs of the returns that the value model foresaw.',
    unit: 'share',
    healthy: within(
      0,
      1,
      'From below 0 in the first update to 0.6 to 0.9. Staying at 0 or below: the value model does not learn.',
    ),
  },
  'val/advantages_mean': {
    label: 'Mean advantage',
    meaning: 'Mean over the tokens of the replies of what is learnt from (ours).',
    unit: '',
    healthy: within(
      -0.01,
      0.01,
      'Zero: advantages are whitened. Anything else: something that is no token was counted.',
    ),
  },
  'val/advantages_std': {
    label: 'Spread of advantages',
    meaning: 'Standard deviation over the tokens of the replies of what is learnt from (ours).',
    unit: '',
    healthy: within(0.98, 1.02, 'One: advantages are whitened. Anything else: something that is no token was counted.'),
  },
  'val/gold': {
    label: 'Gold score',
    meaning: "What the town's own truth gives the replies of the update, 0 to 1; never learnt from (ours).",
    unit: '',
    healthy: within(0, 1, 'Rises with the score. Falling while the score rises: the reward model is being gamed.'),
  },
  'val/gold_right': {
    label: 'Right',
    meaning: "How much of the update's replies says what had to be said, by the town's own truth, 0 to 1 (ours).",
    unit: '',
    healthy: within(0, 1, 'Rises or stays. Falling while the score rises: the labeler never looked at it.'),
  },
  'val/num_eos_tokens': {
    label: 'Stopped replies',
    meaning: 'Replies of the batch that ended with the stop token.',
    unit: 'replies',
    healthy: within(1, null, 'Nearly all. Towards 0: replies run on until they are cut.'),
  },
  'tokens/responses_len_mean': {
    label: 'Reply length',
    meaning: 'Mean length of the replies, the stop token included.',
    unit: 'tokens',
    healthy: within(1, null, 'Steady. A steady climb often means that length is being paid for.'),
  },
  lr: LEARNING_RATE,
  episode: {
    label: 'Episodes',
    meaning: 'Replies sampled since the run began.',
    unit: 'replies',
    healthy: watch('Only grows.'),
  },
} satisfies Record<string, MetricInfo>;

/** What methods other than PPO report beside its numbers, or in place of them. */
export const OTHER_METHODS = {
  loss: {
    label: 'Loss',
    meaning: 'What the method brings down: for DPO, how badly the policy explains who was ranked above whom.',
    unit: '',
    healthy: watch('Falls. DPO begins at exactly 0.693, a coin toss, since the policy is still its reference.'),
  },
  'rewards/accuracies': {
    label: 'Pairs in order',
    meaning: 'Share of pairs whose better reply the policy itself rewards more.',
    unit: 'share',
    healthy: within(0, 1, 'From 0.5 up. Near 1 at once, with text that gets worse: the rate is too high.'),
  },
  'rewards/margins': {
    label: 'Margin',
    meaning: 'Reward that the policy gives the better reply of a pair, less that of the worse, mean over pairs.',
    unit: 'reward',
    healthy: watch('Grows from 0. Growing without end is learning by heart.'),
  },
  'rewards/chosen': {
    label: 'Best reply',
    meaning: 'Reward that the policy gives the best reply of a ranking.',
    unit: 'reward',
    healthy: watch('Stays near 0 or rises. Falling with that of the worst: good replies are lost too; use the guard.'),
  },
  'rewards/rejected': {
    label: 'Worst reply',
    meaning: 'Reward that the policy gives the worst reply of a ranking.',
    unit: 'reward',
    healthy: watch('Falls.'),
  },
  kl: {
    label: 'Drift (KL)',
    meaning: 'Estimate of the drift of the policy from its reference that KTO holds rewards against.',
    unit: 'nats a reply',
    healthy: within(0, 4, 'Stays small.'),
  },
  frac_reward_zero_std: {
    label: 'Groups without a difference',
    meaning: 'Share of prompts whose replies all have the same score, so that nothing is learnt from them.',
    unit: 'share',
    healthy: within(0, 0.5, 'Low. Near 1: the replies are all alike.'),
  },
  learning_rate: LEARNING_RATE,
  grad_norm: GRAD_NORM,
} satisfies Record<string, MetricInfo>;

export type OtherMethodsMetricKey = keyof typeof OTHER_METHODS;

export type RewardModelMetricKey = keyof typeof REWARD_MODEL;
export type PpoMetricKey = keyof typeof PPO;

/** What each stage may report, by key, in the order in which it is explained. */
export const METRICS: {
  pretrain: Record<LanguageModelKey, MetricInfo>;
  sft: Record<LanguageModelKey | 'val/stopped', MetricInfo>;
  rewardModel: Record<RewardModelMetricKey, MetricInfo>;
  ppo: Record<PpoMetricKey, MetricInfo>;
} = {
  pretrain: languageModel('all tokens of the text'),
  sft: {
    ...languageModel("the reply's tokens"),
    'val/stopped': {
      label: 'Stopped replies',
      meaning: 'Share of some replies, sampled after the last step, that end with the stop token (ours).',
      unit: 'share',
      healthy: within(0.9, 1, 'Nearly all. None: the stop token was masked as if it were padding.'),
    },
  },
  rewardModel: REWARD_MODEL,
  ppo: PPO,
};

/** The keys that a stage may report. */
export type MetricKey<S extends StageName> = keyof (typeof METRICS)[S] & string;

/** What is known of a reported number; undefined for a key that no stage of this version reports. */
export function metricInfo(stage: StageName, key: string): MetricInfo | undefined {
  const metrics: Record<string, MetricInfo> = stage === 'ppo' ? { ...OTHER_METHODS, ...METRICS.ppo } : METRICS[stage];
  return Object.hasOwn(metrics, key) ? metrics[key] : undefined;
}

/** Whether a value lies in its healthy range; true where none is known. */
export function isHealthy(stage: StageName, key: string, value: number): boolean {
  const range = metricInfo(stage, key)?.healthy;
  if (!range) return true;
  return Number.isFinite(value) && value >= (range.low ?? -Infinity) && value <= (range.high ?? Infinity);
}
