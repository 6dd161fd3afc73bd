/** Several models in one checkpoint, each under a prefix. */
import type { StoredTensor } from './safetensors';

/** The tensors of a prefix, without it. */
export function withoutPrefix(weights: ReadonlyMap<string, StoredTensor>, prefix: string): Map<string, StoredTensor> {
  return new Map(
    [...weights]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
}
