/**
 * Several reward models as one: where they disagree, none of them has learned enough to be believed.
 * Coste et al. 2023 (arXiv:2310.02743), section 3: mean, worst case, and uncertainty-weighted.
 *
 *   mean: 1/E Σ r_e;   minimum: min r_e;   lower bound: mean - coefficient · sd, with the deviation over the models
 *
 * Our deviation: the paper takes the variance off; the standard deviation has the unit of the reward. Every model is
 * normalised on the same replies first, so that their scores can be compared.
 */
import type { AGGREGATIONS } from '../config';
import type { RewardModel } from '../model/rewardHead';
import { accuracyOf, type RewardModelAccuracy, scoreReplies, type TokenisedRanking } from './rewardModel';
import type { ScoredReplies, Scorer } from './scorer';

export type Aggregation = (typeof AGGREGATIONS)[number];

/** What the deviation costs, unless told otherwise. */
const LOWER_BOUND = 1;

/**
 * @param members [E] at least one, each [B] scores
 * @returns [B]
 */
export function aggregated(
  members: readonly Float32Array[],
  aggregation: Aggregation,
  coefficient = LOWER_BOUND,
): Float32Array {
  const [first] = members;
  if (!first) throw new RangeError('Expected the scores of at least one reward model, got none.');
  const spread = disagreement(members);
  return first.map((_, b) => {
    const own = members.map((scores) => scores[b] as number);
    if (aggregation === 'minimum') return Math.min(...own);
    const mean = own.reduce((sum, score) => sum + score, 0) / own.length;
    return aggregation === 'mean' ? mean : mean - coefficient * (spread[b] as number);
  });
}

/**
 * Standard deviation over the models of each score, with n in the denominator: 0 where all agree, or there is one.
 * @returns [B]
 */
export function disagreement(members: readonly Float32Array[]): Float32Array {
  const [first = new Float32Array()] = members;
  return first.map((_, b) => {
    const own = members.map((scores) => scores[b] as number);
    const mean = own.reduce((sum, score) => sum + score, 0) / own.length;
    return Math.sqrt(own.reduce((sum, score) => sum + (score - mean) ** 2, 0) / own.length);
  });
}

/** All members score, one after the other; the ensemble says what they come to. */
export const ensembleScorer =
  (members: readonly Scorer[], aggregation: Aggregation, coefficient = LOWER_BOUND): Scorer =>
  async (replies: ScoredReplies) => {
    const scores: Float32Array[] = [];
    for (const member of members) scores.push(await member(replies));
    return aggregated(scores, aggregation, coefficient);
  };

/** Scores of many replies, one prompt each: [B] means over the members, and [B] how far these disagree. */
export async function scoreRepliesTogether(
  members: readonly RewardModel[],
  prompts: readonly number[][],
  replies: readonly number[][],
  pad: number,
): Promise<{ scores: Float32Array; spread: Float32Array }> {
  const all: Float32Array[] = [];
  for (const member of members) all.push(await scoreReplies(member, prompts, replies, pad));
  return { scores: aggregated(all, 'mean'), spread: disagreement(all) };
}

/** How well the mean of the members orders rankings that were not trained on. */
export const rankingAccuracyTogether = (
  members: readonly RewardModel[],
  rankings: readonly TokenisedRanking[],
  pad: number,
): Promise<RewardModelAccuracy> =>
  accuracyOf(rankings, async (prompts, replies) => (await scoreRepliesTogether(members, prompts, replies, pad)).scores);
