/** Which numbers of a stage are charted; what they are called and what they mean stands in metrics.ts. */
import type { StageName } from '../../config';
import { type MetricKey, metricInfo, type OtherMethodsMetricKey } from '../../metrics';

export interface ChartDefinition {
  title: string;
  /** The first is drawn solid in the stage's colour, others dashed. */
  series: readonly { key: string; label: string }[];
  /** Which line is which, where there are several. */
  legend?: string;
  /** The metrics of `stage` that are explained on request. */
  explains: readonly string[];
  /** Of one row: "update". */
  stepName: string;
  unitOfSteps: string;
  /** Whose numbers they are. */
  stage: StageName;
}

type Key<S extends StageName> = MetricKey<S> | (S extends 'ppo' ? OtherMethodsMetricKey : never);

/** The first metric is drawn solid; further ones are drawn beside it. */
function chart<S extends StageName>(
  stage: S,
  [key, ...beside]: readonly [Key<S>, ...Key<S>[]],
  title?: string,
): ChartDefinition {
  const labelOf = (one: string): string => metricInfo(stage, one)?.label ?? one;
  const dashed = beside.map(labelOf);
  return {
    stage,
    title: title ?? labelOf(key),
    series: [key, ...beside].map((one) => ({ key: one, label: labelOf(one) })),
    ...(dashed.length > 0 ? { legend: `Solid: ${labelOf(key)}. Dashed: ${dashed.join(', ')}.` } : {}),
    explains: [key, ...beside],
    ...(stage === 'ppo' ? { stepName: 'Update', unitOfSteps: 'updates' } : { stepName: 'Step', unitOfSteps: 'steps' }),
  };
}

export const SCORE = chart('ppo', ['objective/scores']);
export const KL = chart('ppo', ['objective/kl', 'objective/kl_coef'], 'KL');
export const ENTROPY = chart('ppo', ['objective/entropy']);

export const CHARTS: Record<StageName, readonly ChartDefinition[]> = {
  pretrain: [chart('pretrain', ['loss'])],
  sft: [chart('sft', ['loss'])],
  rewardModel: [chart('rewardModel', ['loss'], 'Loss'), chart('rewardModel', ['accuracy'], 'Pairs in order')],
  ppo: [
    SCORE,
    KL,
    chart('ppo', ['val/gold', 'val/gold_right']),
    chart('ppo', ['objective/rlhf_reward']),
    ENTROPY,
    chart('ppo', ['policy/clipfrac_avg']),
    chart('ppo', ['loss/value_avg']),
    chart('ppo', ['tokens/responses_len_mean']),
    // Of the methods without a reward model.
    chart('ppo', ['loss']),
    chart('ppo', ['rewards/accuracies']),
    chart('ppo', ['rewards/chosen', 'rewards/rejected'], 'Its own rewards'),
  ],
};

/** The three that the thinking panel shows small. */
export const MINI_CHARTS: readonly ChartDefinition[] = [SCORE, KL, ENTROPY];
