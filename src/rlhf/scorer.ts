/**
 * What replies are worth to a method that samples: a reward model, a function that a person wrote, the town's own
 * truth, or a sum of these.
 */
import type { Batch } from '../model/batch';
import type { RewardModel } from '../model/rewardHead';
import { scoreBatch } from './rewardModel';

/** Replies to be scored, in tokens and padded. */
export interface ScoredReplies {
  batch: Batch;
  /** [B] token lists */
  prompts: readonly number[][];
  /** [B] token lists, each with its stop token where it has one */
  responses: readonly number[][];
}

/** @returns [B] scores, finite */
export type Scorer = (replies: ScoredReplies) => Promise<Float32Array>;

export const rewardModelScorer =
  (model: RewardModel): Scorer =>
  ({ batch }) =>
    scoreBatch(model, batch);

/** Σ weight · score; a part of weight 0 is not asked. */
export function weightedScorer(parts: readonly { weight: number; scorer: Scorer }[]): Scorer {
  const asked = parts.filter(({ weight }) => weight !== 0);
  return async (replies) => {
    const sums = new Float32Array(replies.batch.rows);
    for (const { weight, scorer } of asked) {
      (await scorer(replies)).forEach((score, b) => (sums[b] = (sums[b] as number) + weight * score));
    }
    return sums;
  };
}
