/**
 * One reward model or several that score together, in one checkpoint: the names of the first are its own, so that a
 * file of one is any program's; those of the others stand behind a prefix.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { ModelShape } from '../config';
import { rewardModelOf } from './checkpoint';
import { type RewardModel, rewardParameters } from './rewardHead';
import { HEAD_WEIGHT } from './scalarHead';
import type { StoredTensor } from './safetensors';
import { withoutPrefix } from './prefix';

/** Before the names of the i-th member, counted from 0. */
export const memberPrefix = (i: number): string => (i === 0 ? '' : `member${i + 1}.`);

/** All trainable variables of all members by name. */
export function memberParameters(members: readonly RewardModel[]): Map<string, tf.Variable> {
  return new Map(
    members.flatMap((member, i) =>
      [...rewardParameters(member)].map(([name, variable]): [string, tf.Variable] => [
        memberPrefix(i) + name,
        variable,
      ]),
    ),
  );
}

/**
 * All members in a file, at least one.
 * @throws CheckpointError
 */
export function rewardModelsOf(shape: ModelShape, tensors: ReadonlyMap<string, StoredTensor>): RewardModel[] {
  const members = [rewardModelOf(shape, tensors)];
  while (tensors.has(memberPrefix(members.length) + HEAD_WEIGHT))
    members.push(rewardModelOf(shape, withoutPrefix(tensors, memberPrefix(members.length))));
  return members;
}
