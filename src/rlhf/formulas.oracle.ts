/**
 * The formulas' examination: what shipped code says of each case in `fixtures/golden/rlhf-cases.json`.
 *
 * For tests alone. A case is `{name, inputs, expected}`, worked out in float64 by `fixtures/golden/losses_oracle.py`.
 * The table below names a computation for every case; a name that it does not know is an error, not a pass.
 */
import * as tf from '@tensorflow/tfjs-core';
import { adamwUpdate } from '../ops/adamwUpdate';
import { klCoefValues } from '../ops/shapedRewards';
import { tokenLogProb } from '../ops/tokenLogProb';
import { AdaptiveKlController } from './adaptiveKlController';
import { bestOfNKlBound, bestOfNWinRateBound } from './bestOfN';
import { tokenAdvantages, tokenRewards } from './experience';
import { explainedVariance } from './gae';
import { drGrpoAdvantages, grpoAdvantages, rlooAdvantages } from './groupAdvantages';
import { exactKl, k1, k2, k3, sequenceKl } from './kl';
import { batchPairWeights, type TieRule } from './pairWeights';
import { POLICY_STATISTICS, policyLoss, totalLoss, VALUE_STATISTICS, valueLoss } from './ppoLoss';
import {
  conservativeDpoLoss,
  dpoLoss,
  ipoLoss,
  ktoLoss,
  orpoLogOdds,
  orpoLoss,
  robustDpoLoss,
  simpoLoss,
} from './preferenceLosses';
import { allPairsLoss, bestOfKLoss, type PairLossOptions, plackettLuceLoss } from './rankingLoss';
import { rewardNormalisation } from './rewards';
import { bradleyTerryRatings, cohenKappa, kendallTau } from './statistics';
import { whiten } from './whiten';

export type Nested = number | Nested[];

export interface OracleCase {
  name: string;
  inputs: Record<string, Nested | string | boolean>;
  expected: Record<string, Nested>;
}

/** What a computation gives for a name in `expected`, row-major. */
type Answer = tf.Tensor | ArrayLike<number> | number;

/** Reads a case's inputs as what the shipped functions take. */
class Inputs {
  readonly #inputs: OracleCase['inputs'];

  constructor(inputs: OracleCase['inputs']) {
    this.#inputs = inputs;
  }

  #nested(name: string): Nested {
    const value = this.#inputs[name];
    if (value === undefined || typeof value === 'string' || typeof value === 'boolean') {
      throw new Error(`expected numbers for the input ${name}, got ${String(value)}`);
    }
    return value;
  }

  #matrix(name: string): number[][] {
    const rows = this.#nested(name);
    return (Array.isArray(rows) ? rows : [rows]).map(flat);
  }

  number(name: string): number {
    return flat(this.#nested(name))[0]!;
  }

  flag(name: string): boolean {
    return this.#inputs[name] === true;
  }

  text(name: string): string {
    return String(this.#inputs[name]);
  }

  list(name: string): number[] {
    return flat(this.#nested(name));
  }

  rows(name: string): number[][] {
    return this.#matrix(name);
  }

  /** The length of a row: R where the input is [B, R]. */
  rowLength(name: string): number {
    return this.#matrix(name)[0]!.length;
  }

  array(name: string): Float32Array {
    return Float32Array.from(this.list(name));
  }

  vector(name: string): tf.Tensor1D {
    return tf.tensor1d(this.array(name));
  }

  matrix(name: string): tf.Tensor2D {
    return tf.tensor2d(this.#matrix(name), undefined, 'float32');
  }
}

/** G = 1: the all-pairs loss of one ranking. */
function rankingLoss(rewards: number[], ranks: number[], ties: TieRule, options: PairLossOptions = {}): tf.Scalar {
  const K = rewards.length;
  const weights = tf.tensor3d(batchPairWeights([ranks], K, ties), [1, K, K]);
  return allPairsLoss(tf.tensor2d([rewards]), weights, options);
}

const COMPUTATIONS: Record<string, (inputs: Inputs) => Record<string, Answer>> = {
  token_log_prob_and_entropy: (x) => {
    const targets = tf.tensor1d(x.list('tokens'), 'int32');
    const { logProb, entropy } = tokenLogProb(x.matrix('logits'), targets, x.number('temperature'));
    return { log_probs: logProb, entropy };
  },
  kl_estimators: (x) => {
    const arguments_ = [x.matrix('log_probs'), x.matrix('ref_log_probs'), x.matrix('response_mask')] as const;
    const perToken = k1(...arguments_);
    return {
      k1: perToken,
      k2: k2(...arguments_),
      k3: k3(...arguments_),
      kl_per_sequence_mean: tf.mean(sequenceKl(perToken)),
    };
  },
  exact_kl_over_vocabulary: (x) => ({ kl: exactKl(x.matrix('logits'), x.matrix('ref_logits')) }),
  shaped_rewards: (x) => {
    const scores = x.vector('scores');
    const inputs = {
      logProbs: x.matrix('log_probs'),
      refLogProbs: x.matrix('ref_log_probs'),
      mask: x.matrix('response_mask'),
      scores,
      finished: tf.ones<tf.Rank.R1>(scores.shape, 'int32'),
      klCoef: tf.tensor1d(klCoefValues(x.number('kl_coef'))),
    };
    return { rewards: tokenRewards(inputs, 0).rewards };
  },
  gae: (x) => ({
    ...tokenAdvantages(
      { rewards: x.matrix('rewards'), values: x.matrix('values'), mask: x.matrix('response_mask') },
      { gamma: x.number('gamma'), lam: x.number('lam'), whitened: false },
    ),
  }),
  whiten: (x) => {
    const options = { shiftMean: x.flag('shift_mean'), unbiased: x.flag('unbiased') };
    const asPpoDoes = options.shiftMean && !options.unbiased;
    if (!asPpoDoes) return { whitened: whiten(x.array('values'), x.array('response_mask'), options) };
    // Without a discounted future, and valued at nothing, a token is worth its reward.
    const rewards = x.matrix('values');
    const inputs = { rewards, values: tf.zerosLike(rewards), mask: x.matrix('response_mask') };
    return { whitened: tokenAdvantages(inputs, { gamma: 0, lam: 0 }).advantages };
  },
  ppo_loss: (x) => {
    const responseMask = x.matrix('response_mask');
    const logProbs = x.matrix('log_probs');
    const policy = policyLoss(
      logProbs,
      tf.zerosLike(logProbs),
      { oldLogProbs: x.matrix('old_log_probs'), advantages: x.matrix('advantages'), responseMask },
      x.number('clip_range'),
    );
    const value = valueLoss(
      x.matrix('values'),
      { oldValues: x.matrix('old_values'), returns: x.matrix('returns'), responseMask },
      x.number('clip_range_value'),
    );
    const policyStatistic = (name: (typeof POLICY_STATISTICS)[number]): tf.Tensor =>
      tf.slice(policy.statistics, POLICY_STATISTICS.indexOf(name), 1);
    return {
      policy_loss: policy.loss,
      value_loss: value.loss,
      total_loss: totalLoss(policy.loss, value.loss, x.number('vf_coef')),
      clip_fraction: policyStatistic('policy/clipfrac_avg'),
      approx_kl: policyStatistic('policy/approxkl_avg'),
      value_clip_fraction: tf.slice(value.statistics, VALUE_STATISTICS.indexOf('val/clipfrac_avg'), 1),
      explained_variance: explainedVariance(x.array('returns'), x.array('old_values'), x.array('response_mask')),
    };
  },
  adaptive_kl_controller: (x) => {
    const controller = new AdaptiveKlController(x.number('kl_coef'), x.number('target'), x.number('horizon'));
    const batchSize = x.number('batch_size');
    return { kl_coef_after_each: x.list('observed_kl').map((kl) => controller.update(kl, batchSize)) };
  },
  ranking_all_pairs: (x) => {
    const rewards = x.list('rewards_best_to_worst');
    return { loss: rankingLoss(rewards, [...rewards.keys()], 'drop') };
  },
  ranking_plackett_luce: (x) => ({ loss: plackettLuceLoss(tf.tensor2d([x.list('rewards_best_to_worst')])) }),
  best_of_k: (x) => {
    const rewards = x.list('rewards');
    const best = rewards.map((_, k) => Number(k === x.number('best')));
    return { loss: bestOfKLoss(tf.tensor2d([rewards]), tf.tensor2d([best])) };
  },
  ranking_with_ties: (x) => ({
    loss_ties_dropped: rankingLoss(x.list('rewards'), x.list('ranks'), 'drop'),
    loss_ties_half: rankingLoss(x.list('rewards'), x.list('ranks'), 'half'),
  }),
  pairwise_margin_and_centre: (x) => {
    const rewards = [x.number('chosen'), x.number('rejected')];
    return {
      loss_margin: rankingLoss(rewards, [1, 2], 'drop', { margin: x.number('margin') }),
      loss_centred: rankingLoss(rewards, [1, 2], 'drop', { centreCoef: x.number('centre_coef') }),
    };
  },
  reward_normalisation: (x) => ({ ...rewardNormalisation(x.array('rewards_on_reference_samples')) }),
  preference_losses: (x) => {
    const logProbs = {
      chosen: x.vector('chosen_log_prob'),
      rejected: x.vector('rejected_log_prob'),
      refChosen: x.vector('ref_chosen_log_prob'),
      refRejected: x.vector('ref_rejected_log_prob'),
    };
    const lengths = { chosen: x.vector('chosen_length'), rejected: x.vector('rejected_length') };
    const beta = x.number('beta');
    const smoothing = x.number('label_smoothing');
    const driftKl = tf.scalar(x.number('kto_kl'));
    return {
      dpo: dpoLoss(logProbs, beta),
      cdpo: conservativeDpoLoss(logProbs, beta, smoothing),
      robust_dpo: robustDpoLoss(logProbs, beta, smoothing),
      ipo_sum: ipoLoss(logProbs, beta),
      ipo_length_averaged: ipoLoss(logProbs, beta, lengths),
      simpo: simpoLoss(logProbs, lengths, x.number('simpo_beta'), x.number('simpo_gamma')),
      orpo: orpoLoss(logProbs, lengths, x.vector('orpo_nll'), beta),
      orpo_log_odds: orpoLogOdds(logProbs, lengths),
      kto_desirable: ktoLoss(logProbs.chosen, logProbs.refChosen, true, driftKl, beta),
      kto_undesirable: ktoLoss(logProbs.rejected, logProbs.refRejected, false, driftKl, beta),
    };
  },
  group_advantages: (x) => {
    const scores = x.array('scores');
    return {
      rloo: rlooAdvantages(scores, scores.length),
      'grpo_unbiased_std_eps_1e-4': grpoAdvantages(scores, scores.length),
      dr_grpo: drGrpoAdvantages(scores, scores.length),
    };
  },
  best_of_n: (x) => ({
    kl_upper_bound: x.list('n').map(bestOfNKlBound),
    win_rate_upper_bound: x.list('n').map(bestOfNWinRateBound),
  }),
  adam: (x) => {
    const form = x.text('style');
    if (form !== 'torch' && form !== 'tf1') throw new Error(`expected the style torch or tf1, got ${form}`);
    const [parameter, m, v] = [new Float32Array(1), new Float32Array(1), new Float32Array(1)];
    const after = x.list('gradients_times_1e4').map((gradient, i) => {
      adamwUpdate(parameter, Float32Array.of(gradient * 1e-4), m, v, {
        learningRate: x.number('lr'),
        beta1: x.number('beta1'),
        beta2: x.number('beta2'),
        epsilon: x.number('epsilon'),
        weightDecay: 0,
        step: i + 1,
        form,
        gradScale: 1,
      });
      return parameter[0]! * 1e3;
    });
    return { parameter_times_1e3_after_each: after };
  },
  kendall_tau: (x) => ({ tau: kendallTau(x.list('ranks_a'), x.list('ranks_b')) ?? NaN }),
  cohen_kappa: (x) => ({ kappa: cohenKappa(x.list('labels_a'), x.list('labels_b')) ?? NaN }),
  bradley_terry_ratings: (x) => ({ log_strength: bradleyTerryRatings(x.rows('wins')) }),
};

/**
 * Runs a case through shipped code on tfjs's current backend.
 *
 * @returns for every name in `expected`: the largest error, relative to the largest expected number of that tensor
 *   (absolute where all are 0); Infinity where count or finiteness is wrong or the table gives no such answer
 * @throws Error for a case that the table does not know
 */
export async function oracleErrors({ name, inputs, expected }: OracleCase): Promise<Record<string, number>> {
  const compute = COMPUTATIONS[name];
  if (!compute) throw new Error(`no shipped formula is named for the case "${name}"`);
  let answers: Record<string, Answer> = {};
  const tensors = tf.tidy(() => {
    answers = compute(new Inputs(inputs));
    return Object.values(answers).filter((answer) => answer instanceof tf.Tensor);
  });
  const errors: Record<string, number> = {};
  for (const [key, nested] of Object.entries(expected)) {
    const answer = answers[key] ?? [];
    const actual = answer instanceof tf.Tensor ? await answer.data() : typeof answer === 'number' ? [answer] : answer;
    errors[key] = relativeError(actual, flat(nested));
  }
  tf.dispose(tensors);
  return errors;
}

/** Largest error relative to the largest expected number; Infinity where count or finiteness is wrong. */
export function relativeError(actual: ArrayLike<number>, expected: number[]): number {
  if (actual.length !== expected.length) return Infinity;
  const scale = Math.max(...expected.map(Math.abs)) || 1;
  const errors = expected.map((value, i) => Math.abs(actual[i]! - value) / scale);
  return errors.every(Number.isFinite) ? Math.max(...errors) : Infinity;
}

/** Row-major. */
export function flat(nested: Nested): number[] {
  return Array.isArray(nested) ? nested.flatMap(flat) : [nested];
}
