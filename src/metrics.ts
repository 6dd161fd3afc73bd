/**
 * Every number that is reported: the one definition of its key, name, meaning, unit, formula and healthy range, and of
 * where the field's tools differ. The page's legends, tool tips and warnings come from here.
 *
 * Keys are TRL's wherever TRL has the number; those marked "ours" it does not have. What is said of a healthy range is
 * for this scale (0.1 to 5 million parameters); where it differs from what is usual for large models, its note says so.
 * Plain text only: the page shows it, the worker fills it, and neither needs tensors to read it.
 */
import type { StageName } from './config';
import { PRETRAIN, SFT } from './metrics/languageModel';
import { DEFAULT_START, type HealthyRange, type MetricInfo, type RunStart } from './metrics/metric';
import { OTHER_METHODS } from './metrics/otherMethods';
import { PPO } from './metrics/ppo';
import { REWARD_MODEL } from './metrics/rewardModel';

export { DEFAULT_START, type HealthyRange, type MetricInfo, type RunStart } from './metrics/metric';
export { COMPARISON, GOLD_PART_METRICS, MEASURED_SIDES } from './metrics/comparison';
export { OTHER_METHODS } from './metrics/otherMethods';
export { REWARD_MODEL_REPORT } from './metrics/rewardModelReport';

export type OtherMethodsMetricKey = keyof typeof OTHER_METHODS;
export type RewardModelMetricKey = keyof typeof REWARD_MODEL;
export type PpoMetricKey = keyof typeof PPO;

/** What each stage may report, by key, in the order in which it is explained. */
export const METRICS: {
  pretrain: Record<keyof typeof PRETRAIN, MetricInfo>;
  sft: Record<keyof typeof SFT, MetricInfo>;
  rewardModel: Record<RewardModelMetricKey, MetricInfo>;
  ppo: Record<PpoMetricKey, MetricInfo>;
} = { pretrain: PRETRAIN, sft: SFT, rewardModel: REWARD_MODEL, ppo: PPO };

/** The keys that a stage may report. */
export type MetricKey<S extends StageName> = keyof (typeof METRICS)[S] & string;

/** What is known of a reported number; undefined for a key that no stage of this version reports. */
export function metricInfo(stage: StageName, key: string): MetricInfo | undefined {
  const metrics: Record<string, MetricInfo> = stage === 'ppo' ? { ...OTHER_METHODS, ...METRICS.ppo } : METRICS[stage];
  return Object.hasOwn(metrics, key) ? metrics[key] : undefined;
}

/** Where a metric is healthy, in a run that was started so. */
export const healthyRange = ({ healthy }: MetricInfo, run: RunStart = DEFAULT_START): HealthyRange =>
  typeof healthy === 'function' ? healthy(run) : healthy;

/**
 * Whether a value lies in its healthy range; true where none is known.
 * @param step at which it was reported; late enough to be judged unless given
 */
export function isHealthy(
  stage: StageName,
  key: string,
  value: number,
  run: RunStart = DEFAULT_START,
  step = Infinity,
): boolean {
  const info = metricInfo(stage, key);
  if (!info) return true;
  const { low, high, from = 1 } = healthyRange(info, run);
  if (!Number.isFinite(value)) return false;
  return step < from || (value >= (low ?? -Infinity) && value <= (high ?? Infinity));
}
