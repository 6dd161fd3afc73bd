/**
 * Advantages without a value model: each of K replies of a prompt is judged against its siblings.
 *
 * Plain arrays on the host, row-major: G prompts of K scores each, one a response. Nothing here is differentiated.
 */
import { ShapeError } from '../errors';

/**
 * Leave-one-out: a reply's score less the mean of the others'.
 *
 * A_i = s_i - mean_{j ≠ i} s_j
 *
 * RLOO, Ahmadian et al. 2024 (arXiv:2402.14740); Kool et al. 2019. The score holds the KL penalty, -beta · Σ k1.
 *
 * @param scores [G, K]
 * @param K replies of a prompt, >= 2
 * @returns [G, K]
 */
export function rlooAdvantages(scores: Float32Array, K: number): Float32Array {
  return mapGroups('rlooAdvantages', scores, K, (score, { mean }) => score - (mean * K - score) / (K - 1));
}

/** Keeps a group of equal scores from being divided by 0; TRL's value. */
const GRPO_EPSILON = 1e-4;

/**
 * A reply's score in standard deviations of its group.
 *
 * A_i = (s_i - mean) / (sd + 1e-4)
 *
 * GRPO, DeepSeekMath (arXiv:2402.03300), section 4.1. The deviation is the unbiased one (K - 1), as in TRL.
 *
 * @param scores [G, K]
 * @param K replies of a prompt, >= 2
 * @returns [G, K]
 */
export function grpoAdvantages(scores: Float32Array, K: number): Float32Array {
  return mapGroups(
    'grpoAdvantages',
    scores,
    K,
    (score, { mean, deviation }) => (score - mean) / (deviation + GRPO_EPSILON),
  );
}

/**
 * A reply's score less its group's mean, not divided: dividing favours prompts that are nearly always or never solved.
 *
 * A_i = s_i - mean
 *
 * Dr. GRPO, Liu et al. 2025 (arXiv:2503.20783).
 *
 * @param scores [G, K]
 * @param K replies of a prompt, >= 2
 * @returns [G, K]
 */
export function drGrpoAdvantages(scores: Float32Array, K: number): Float32Array {
  return mapGroups('drGrpoAdvantages', scores, K, (score, { mean }) => score - mean);
}

/**
 * Share of the groups whose scores are all equal: they teach nothing. TRL, `frac_reward_zero_std`.
 *
 * @param scores [G, K]
 * @param K replies of a prompt, >= 2
 * @returns 0 to 1
 */
export function zeroDeviationFraction(scores: Float32Array, K: number): number {
  let equal = 0;
  for (let row = 0; row < scores.length; row += K) {
    if (scores.subarray(row, row + K).every((score) => score === scores[row])) equal++;
  }
  return (equal * K) / scores.length;
}

interface GroupStatistics {
  mean: number;
  /** With K - 1 in the denominator. */
  deviation: number;
}

function mapGroups(
  name: string,
  scores: Float32Array,
  K: number,
  advantage: (score: number, group: GroupStatistics) => number,
): Float32Array {
  if (K < 2 || scores.length % K !== 0) {
    throw new ShapeError(name, 'groups of K >= 2 scores', `${scores.length} scores and K = ${K}`);
  }
  const advantages = new Float32Array(scores.length);
  for (let row = 0; row < scores.length; row += K) {
    const group = scores.subarray(row, row + K);
    const mean = group.reduce((sum, score) => sum + score, 0) / K;
    const squares = group.reduce((sum, score) => sum + (score - mean) ** 2, 0);
    const statistics = { mean, deviation: Math.sqrt(squares / (K - 1)) };
    group.forEach((score, k) => (advantages[row + k] = advantage(score, statistics)));
  }
  return advantages;
}
