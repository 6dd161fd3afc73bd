/** What PPO reports of an update. The other methods that sample replies report some of it under the same keys. */
import {
  figure,
  GRAD_NORM,
  type HealthyRange,
  LEARNING_RATE,
  type MetricInfo,
  policySettings,
  type RunStart,
  watch,
  within,
} from './metric';

/** Nats a reply up to which a drift is harmless, whether or not a target is held. */
const HARMLESS_DRIFT = 4;

/** A controller overshoots its target, and comes back. */
const TARGETS_OF_DRIFT = 2;

/** Share of the replies that stop by themselves in a run that is well. */
const STOPPING_SHARE = 0.8;

/** Share of the longest reply allowed at which most replies are cut. */
const CUT_SHARE = 0.9;

const PADDED = 'TRL averages over padding as well, which thins it out.';
const SAMPLED = 'mean over the tokens of the replies of a minibatch, then over the minibatches of the update';

function healthyDrift(run: RunStart): HealthyRange {
  const { adaptiveKl, klCoef, klTarget } = policySettings(run);
  // A leash of 0 stays 0: nothing holds the target then.
  const held = adaptiveKl !== 0 && klCoef > 0;
  const high = held ? Math.max(HARMLESS_DRIFT, TARGETS_OF_DRIFT * klTarget) : HARMLESS_DRIFT;
  const aim = held ? `From 0 up to the target of ${figure(klTarget)}` : 'From 0 up to one or two';
  return within(
    -0.5,
    high,
    `${aim}; papers use 6 for large models. Clearly below 0: sampler and log-probs disagree. Above ${figure(high)}: about to break.`,
  );
}

/** Replies of an update; of rejection sampling those that were kept, one a prompt. */
function repliesOfUpdate(run: RunStart): number {
  const { batchSize, prompts = batchSize, replies = 1 } = policySettings(run);
  if (!run.method) return batchSize;
  return run.method.name === 'rejection sampling' ? prompts : prompts * replies;
}

export const PPO = {
  'objective/scores': {
    label: 'Score',
    meaning: 'What the reward model gives a reply, penalties included, mean over the batch.',
    unit: 'standard deviations',
    formula: 'Mean over replies of the normalised score, less the penalty where the reply did not stop by itself.',
    differs:
      'TRL takes the penalty off as here; lm-human-preferences and summarize-from-feedback put −1 in place of the score.',
    healthy: watch('Rises from about 0 and levels off. Rising while the text gets worse is reward hacking.'),
  },
  'objective/kl': {
    label: 'Drift (KL)',
    meaning: 'How far a reply is from what the reference policy would say: the log-ratio summed over its tokens.',
    unit: 'nats a reply',
    formula:
      'Mean over replies of Σ (log π − log π_ref) over the reply’s own tokens, up to the stop token: the estimate k1. PPO and online DPO: over the replies of the update. DPO and its relatives, KTO and rejection sampling: over 32 replies that are sampled every few steps for this alone.',
    differs:
      'trlX reports k3 with the log-ratio turned round, prompt tokens included; rlhf-book’s k1 has the other sign. TRL had the KL of the whole vocabulary, and no longer has.',
    healthy: healthyDrift,
  },
  'objective/kl_coef': {
    label: 'Leash',
    meaning: 'Price of one nat of drift, set by the adaptive controller.',
    unit: 'reward a nat',
    formula:
      'β of this update. After it β ← β (1 + e n / horizon), with e = KL / target − 1, at most 0.2 either way, and n replies.',
    differs:
      'lm-human-preferences, trlX and OpenRLHF have a controller as well, RL4LMs one with another rule; TRL dropped its own after 0.11.4.',
    healthy: watch('Falls while the drift is below target and rises while it is above.'),
  },
  'objective/non_score_reward': {
    label: 'Drift penalty',
    meaning: 'What a reply pays for its drift: minus leash times KL, summed over its tokens.',
    unit: 'standard deviations',
    formula: 'Mean over replies of −β Σ (log π − log π_ref) over the reply’s tokens.',
    differs: null,
    healthy: watch('A little below 0. If it outgrows the score, the leash is too tight.'),
  },
  'objective/rlhf_reward': {
    label: 'Reward',
    meaning: 'What PPO maximises: score plus drift penalty.',
    unit: 'standard deviations',
    formula: 'Mean over replies of score + drift penalty, penalty for a missing stop token included.',
    differs: null,
    healthy: watch('Rises. Score up with reward down means that the gain is bought with drift.'),
  },
  'objective/entropy': {
    label: 'Entropy',
    meaning: 'How open the next token is, summed over a reply.',
    unit: 'nats a reply',
    formula:
      'Mean over replies of Σ H(π) over the reply’s tokens, H of the whole vocabulary at the sampling temperature.',
    differs: 'In TRL every place of padding counts −1 (until its pull request 6121), so that it can turn negative.',
    healthy: within(
      Math.LN2,
      null,
      'Falls a little from about 6. Below 0.69 there are fewer than two likely replies: the same one to everything. A steady rise: gibberish.',
    ),
  },
  'val/surprise_gap': {
    label: 'Surprise less entropy',
    meaning: 'By how much sampled replies surprise the policy more than it expects of its own words (ours).',
    unit: 'nats a reply',
    formula: 'Mean over replies of Σ (−log π − H(π)) over the reply’s tokens.',
    differs: null,
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
    formula: `½ (log π − log π_old)², ${SAMPLED}.`,
    differs: PADDED,
    healthy: within(
      null,
      0.02,
      'Below 0.02; with the default settings 0.001 to 0.002. Above 0.1 the learning rate is too high.',
    ),
  },
  'policy/clipfrac_avg': {
    label: 'Clip fraction',
    meaning: 'Share of tokens at which the clipped term decides the policy loss.',
    unit: 'share',
    formula: `1 where the clipped loss is the larger, else 0; ${SAMPLED}.`,
    differs: null,
    healthy: within(null, 0.05, 'Below 0.05. Above 0.2 the update wants to go further than it may.'),
  },
  'policy/entropy_avg': {
    label: 'Entropy a token',
    meaning: 'How open the next token is while training, mean over the tokens of the replies.',
    unit: 'nats a token',
    formula: `H(π) of the next token; ${SAMPLED}.`,
    differs: PADDED,
    healthy: within(0.05, null, 'Moves slowly from about 0.4. Below 0.05 next to nothing is left open: collapse.'),
  },
  'policy/grad_norm': {
    ...GRAD_NORM,
    label: 'Policy gradient norm',
    formula: `Of the policy’s loss: ${lowerFirst(GRAD_NORM.formula)} Mean over minibatches; with a shared value model of the whole loss.`,
    differs: 'TRL’s PPO does not report it.',
  },
  'value/grad_norm': {
    ...GRAD_NORM,
    label: 'Value gradient norm',
    formula: `Of the value loss times its coefficient: ${lowerFirst(GRAD_NORM.formula)} Mean over minibatches; with a shared value model of the whole loss.`,
    differs: 'TRL’s PPO does not report it.',
  },
  'loss/policy_avg': {
    label: 'Policy loss',
    meaning: 'The clipped surrogate loss, mean over tokens and minibatches.',
    unit: '',
    formula: `max(−A r, −A clip(r, 1 − c, 1 + c)) with r = π / π_old; ${SAMPLED}. Methods without a value model may weigh tokens otherwise.`,
    differs:
      'GRPO’s papers and TRL know three means: over the tokens of the batch, over replies first, or over the longest length allowed. minRLHF and trlX whiten A over padding too.',
    healthy: watch('Near 0 and noisy, slightly negative. Its size says little: watch score and drift.'),
  },
  'loss/value_avg': {
    label: 'Value loss',
    meaning: 'Half the squared error of the value model, clipped, mean over tokens and minibatches.',
    unit: '',
    formula: `½ max((V − return)², (V_clipped − return)²), before its coefficient; ${SAMPLED}.`,
    differs: 'Clipped at 0.2 in most tools, at 0.5 in OpenRLHF, and not at all in minRLHF.',
    healthy: watch('Falls at first, then follows the reward. A spike means that the value model lost track.'),
  },
  'val/clipfrac_avg': {
    label: 'Value clip fraction',
    meaning: 'Share of tokens at which the clipped term decides the value loss.',
    unit: 'share',
    formula: `1 where the clipped error is the larger, else 0; ${SAMPLED}.`,
    differs: null,
    healthy: within(null, 0.5, 'High in the first updates, then low.'),
  },
  'val/ratio': {
    label: 'Ratio',
    meaning: 'Odds of the sampled tokens under the policy now against when they were sampled, mean over tokens.',
    unit: '',
    formula: `r = exp(log π − log π_old), of a token (RLOO: of the whole reply); ${SAMPLED}.`,
    differs: PADDED,
    healthy: within(0.9, 1.1, 'Very near 1.'),
  },
  'val/ratio_var': {
    label: 'Ratio variance',
    meaning: 'Variance of the mean ratio between the minibatches of an update.',
    unit: '',
    formula: 'Mean over minibatches of (mean ratio − their mean)².',
    differs: 'In TRL too it is of means of minibatches, not of tokens, and there with padding in them.',
    healthy: within(null, 0.01, 'Near 0.'),
  },
  'val/ratio_outside_clip': {
    label: 'Ratio outside clip',
    meaning: 'Share of tokens whose ratio is outside of the clip range, whether or not the clip decides there (ours).',
    unit: 'share',
    formula: `1 where |r − 1| is larger than the clip range, else 0; ${SAMPLED}.`,
    differs: null,
    healthy: within(null, 0.1, 'Somewhat above the clip fraction.'),
  },
  'val/ratio_deviation': {
    label: 'Largest ratio deviation',
    meaning: "The furthest that any token's ratio was from 1, over the minibatches of an update (ours).",
    unit: '',
    formula: 'Greatest |r − 1| over all tokens of the replies and all minibatches of the update.',
    differs: null,
    healthy: within(null, 5, 'Below 1 for most updates. A single token far off is where divergence starts.'),
  },
  'val/ratio_first_deviation': {
    label: 'First ratio deviation',
    meaning: 'The furthest that any ratio was from 1 on the first minibatch, before anything was learnt (ours).',
    unit: '',
    formula: 'Greatest |r − 1| over the tokens of the replies of the update’s first minibatch.',
    differs: null,
    healthy: within(
      null,
      1e-4,
      'Rounding only. Above 1e-4 the run stops: the policy that samples is not the one that trains.',
    ),
  },
  'val/explained_variance': {
    label: 'Explained variance',
    meaning: 'Share of the ups and downs of the returns that the value model foresaw.',
    unit: 'share of the variance',
    formula:
      '1 − Σ (return − V)² / Σ (return − mean return)², over the tokens of all replies of the update, V as it was when they were sampled.',
    differs: 'TRL had it as ppo/val/var_explained, and now has none.',
    healthy: {
      ...within(
        0,
        null,
        'From below 0 in the first updates to 0.6 to 0.9; above 0 from the fifth on. Staying at 0 or below: the value model does not learn.',
      ),
      from: 5,
    },
  },
  'val/advantages_mean': {
    label: 'Mean advantage',
    meaning: 'Mean over the tokens of the replies of what is learnt from (ours).',
    unit: '',
    formula: 'Mean over the tokens of all replies of the update of the whitened advantage.',
    differs: 'trlX and minRLHF whiten with padding in the mean; lm-human-preferences each minibatch by itself.',
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
    formula: 'Root of the mean over the tokens of all replies of the update of (advantage − mean advantage)².',
    differs:
      'trlX and minRLHF whiten with padding in the deviation; TRL divides by n − 1, lm-human-preferences by n as here.',
    healthy: within(0.98, 1.02, 'One: advantages are whitened. Anything else: something that is no token was counted.'),
  },
  'val/gold': {
    label: 'Gold score',
    meaning: "What the town's own truth gives the replies of the update, 0 to 1; never learnt from (ours).",
    unit: '',
    formula: 'Mean over the replies to prompts of the town of the balanced labeler’s weighted mean of eight parts.',
    differs: null,
    healthy: watch(
      'Rises with the score. Falling while the score rises: the reward model is being gamed. No bounds: its level is that of the model and the prompts.',
    ),
  },
  'val/gold_right': {
    label: 'Right',
    meaning: "How much of the update's replies says what had to be said, by the town's own truth, 0 to 1 (ours).",
    unit: '',
    formula:
      'Mean over the replies to prompts of the town of the part “right”: 1, 0, or a story that is right in part.',
    differs: null,
    healthy: watch(
      'Rises or stays. Falling while the score rises: the labeler never looked at it. No bounds: its level is that of the model and the prompts.',
    ),
  },
  'val/num_eos_tokens': {
    label: 'Stopped replies',
    meaning: 'Replies of the batch that ended with the stop token.',
    unit: 'replies',
    formula: 'Count of the update’s replies that ended with the stop token before they were cut.',
    differs: 'TRL’s GRPO and RLOO give the share that was cut instead, completions/clipped_ratio.',
    healthy: (run) => {
      const [all, few] = [repliesOfUpdate(run), STOPPING_SHARE * repliesOfUpdate(run)];
      return within(
        few,
        null,
        `Nearly all of ${figure(all)}. Below ${figure(few)}: replies run on until they are cut.`,
      );
    },
  },
  'tokens/responses_len_mean': {
    label: 'Reply length',
    meaning: 'Mean length of the replies, the stop token included.',
    unit: 'tokens',
    formula: 'Mean over replies of their tokens up to and with the stop token, padding left out.',
    differs: 'TRL’s GRPO and RLOO call it completions/mean_length.',
    healthy: (run) => {
      const high = CUT_SHARE * policySettings(run).maxNewTokens;
      return within(
        2,
        high,
        `Steady. Below 2: nothing is said. A steady climb often means that length is being paid for; above ${figure(high)} most replies are cut.`,
      );
    },
  },
  lr: LEARNING_RATE,
  episode: {
    label: 'Episodes',
    meaning: 'Replies sampled since the run began.',
    unit: 'replies',
    formula: 'Updates done × replies of an update.',
    differs: null,
    healthy: watch('Only grows.'),
  },
} satisfies Record<string, MetricInfo>;

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
