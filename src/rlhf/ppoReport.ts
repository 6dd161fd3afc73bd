/** What an update of PPO reports, under TRL's names; what each means is in metrics.ts. */
import { NonFiniteError, RatioError } from '../errors';
import type { Batch } from '../model/batch';
import type { MetricValues } from '../session/protocol';
import { explainedVariance } from './gae';
import { POLICY_STATISTICS, VALUE_STATISTICS } from './ppoLoss';
import type { ScoredBatch } from './ppoSteps';

/** Largest |ratio - 1| on the first minibatch of an update, where the policy is still the one that sampled. */
const RATIO_TOLERANCE = 1e-4;

/** What a minibatch gives, in order. */
const MINIBATCH_STATISTICS = [...POLICY_STATISTICS, ...VALUE_STATISTICS, 'policy/grad_norm', 'value/grad_norm'];

/** What the rollout of an update says. */
export function rolloutMetrics(
  batch: Batch,
  responses: readonly number[][],
  finished: readonly boolean[],
  scored: ScoredBatch,
  klCoef: number,
): MetricValues {
  const { penalisedScores, kl, nonScoreRewards, returns, oldValues, entropies, logProbs, advantages } = scored;
  const counted = advantages.filter((_, i) => batch.responseMask[i] === 1);
  const lengths = responses.map((response) => response.length);
  const entropy = mean(sumsOfReplies(entropies, lengths, batch.responseLength));
  return {
    'objective/kl': mean(kl),
    'objective/kl_coef': klCoef,
    'objective/scores': mean(penalisedScores),
    'objective/non_score_reward': mean(nonScoreRewards),
    'objective/rlhf_reward': mean(penalisedScores) + mean(nonScoreRewards),
    'objective/entropy': entropy,
    'val/surprise_gap': -mean(sumsOfReplies(logProbs, lengths, batch.responseLength)) - entropy,
    'val/advantages_mean': mean(counted),
    'val/advantages_std': Math.sqrt(variance([...counted])),
    'val/explained_variance': explainedVariance(returns, oldValues, batch.responseMask),
    'val/num_eos_tokens': finished.filter(Boolean).length,
    'tokens/responses_len_mean': mean(lengths),
  };
}

/**
 * Means over the minibatches of an update.
 * @param statistics of each minibatch, in order
 * @param update that they belong to, for errors
 * @param names of the statistics, those of the policy first
 * @param ratioMayDiffer true where it is known that the log-probs of the rollout are those of another policy
 * @throws RatioError where the policy of the first minibatch was not the one that sampled; NonFiniteError
 */
export function minibatchMetrics(
  statistics: readonly number[][],
  update: number,
  {
    names = MINIBATCH_STATISTICS,
    ratioMayDiffer = false,
  }: { names?: readonly string[]; ratioMayDiffer?: boolean } = {},
): MetricValues {
  const firstDeviation = statistics[0]?.[POLICY_STATISTICS.indexOf('val/ratio_deviation')] as number;
  if (!Number.isFinite(firstDeviation)) throw new NonFiniteError('A probability ratio', update);
  if (firstDeviation > RATIO_TOLERANCE && !ratioMayDiffer) throw new RatioError(firstDeviation, update);
  const metrics: MetricValues = { 'val/ratio_first_deviation': firstDeviation };
  names.forEach((name, index) => {
    const all = statistics.map((values) => values[index] as number);
    if (!all.every(Number.isFinite)) throw new NonFiniteError(`PPO's ${name}`, update);
    metrics[name] = name === 'val/ratio_deviation' ? Math.max(...all) : mean(all);
    if (name === 'val/ratio') metrics['val/ratio_var'] = variance(all);
  });
  return metrics;
}

/** [B] of [B, R], summed over each response. */
function sumsOfReplies(values: Float32Array, lengths: readonly number[], responseLength: number): number[] {
  return lengths.map((length, b) => {
    let sum = 0;
    for (let t = 0; t < length; t++) sum += values[b * responseLength + t] as number;
    return sum;
  });
}

const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

const variance = (values: readonly number[]): number => {
  const centre = mean(values);
  return mean(values.map((value) => (value - centre) ** 2));
};
