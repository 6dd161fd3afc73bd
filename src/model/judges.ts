/**
 * Everything that scores replies, in one checkpoint: reward models, one or several that score together, and a rule model
 * beside them. The names of the first reward model are its own, so that a file of one is any program's; those of the
 * others stand behind a prefix.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { ModelShape } from '../config';
import { rewardModelOf } from './checkpoint';
import { withoutPrefix } from './prefix';
import { disposeRewardModel, type RewardModel, rewardParameters } from './rewardHead';
import type { StoredTensor } from './safetensors';
import { HEAD_WEIGHT } from './scalarHead';

export interface Judges {
  /** At least one. */
  members: readonly RewardModel[];
  /** Its score is the log-odds that a reply keeps the rule. */
  rule: RewardModel | null;
}

/** Before the names of the i-th reward model, counted from 0. */
const memberPrefix = (i: number): string => (i === 0 ? '' : `member${i + 1}.`);
/** Before the names of the rule model. */
export const RULE_PREFIX = 'rule.';

/** All models by prefix. */
export const judgesByPrefix = ({ members, rule }: Judges): [prefix: string, model: RewardModel][] => [
  ...members.map((member, i): [string, RewardModel] => [memberPrefix(i), member]),
  ...(rule ? [[RULE_PREFIX, rule] as [string, RewardModel]] : []),
];

/** All trainable variables of all models by name. */
export const judgeParameters = (judges: Judges): Map<string, tf.Variable> =>
  new Map(
    judgesByPrefix(judges).flatMap(([prefix, model]) =>
      [...rewardParameters(model)].map(([name, variable]): [string, tf.Variable] => [prefix + name, variable]),
    ),
  );

/**
 * All models in a file.
 * @throws CheckpointError
 */
export function judgesOf(shape: ModelShape, tensors: ReadonlyMap<string, StoredTensor>): Judges {
  const under = (prefix: string): RewardModel | null =>
    tensors.has(prefix + HEAD_WEIGHT) ? rewardModelOf(shape, withoutPrefix(tensors, prefix)) : null;
  const members = [rewardModelOf(shape, tensors)];
  for (;;) {
    const next = under(memberPrefix(members.length));
    if (!next) return { members, rule: under(RULE_PREFIX) };
    members.push(next);
  }
}

export function disposeJudges(judges: Judges): void {
  for (const [, model] of judgesByPrefix(judges)) disposeRewardModel(model);
}
