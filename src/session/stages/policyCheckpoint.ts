/** What a checkpoint of a policy holds, under prefixes: the language model, a value model, a slower copy. */
import { withoutPrefix } from '../../model/prefix';
import type { StoredTensor } from '../../model/safetensors';
import type { HostWeights } from '../models';

export const POLICY = 'policy.';
export const VALUE = 'value.';
export const SLOW = 'slow.';

/** The language model inside a policy checkpoint. */
export const policyWeightsOf = (weights: ReadonlyMap<string, StoredTensor>): Map<string, StoredTensor> =>
  withoutPrefix(weights, POLICY);

/** The other way: a checkpoint of the language model alone, from which no run can go on. */
export const asPolicyCheckpoint = (weights: HostWeights): Map<string, StoredTensor> =>
  new Map([...weights].map(([name, tensor]) => [POLICY + name, tensor]));
