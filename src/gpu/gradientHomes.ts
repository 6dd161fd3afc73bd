/**
 * Homes of gradients: while an optimiser differentiates, a kernel that writes the whole gradient of a parameter writes
 * it where the optimiser wants it, among the others, instead of into a tensor of its own that would have to be copied.
 */
import type * as tf from '@tensorflow/tfjs-core';

type Homes = Map<tf.DataId, () => tf.TensorInfo>;

let current: Homes | null = null;

/**
 * Runs `body`, in which `takeHome` gives these homes.
 * @param homes from a parameter's memory to a fresh tensor on its home
 */
export function withGradientHomes<T>(homes: ReadonlyMap<tf.DataId, () => tf.TensorInfo>, body: () => T): T {
  const outer = current;
  current = new Map(homes);
  try {
    return body();
  } finally {
    current = outer;
  }
}

/**
 * The home of a parameter's gradient, once: a parameter that is used in two places has two gradients, whose sum tfjs
 * makes, and the second must not be written over the first.
 */
export function takeHome(parameter: tf.TensorInfo | undefined): tf.TensorInfo | undefined {
  if (!parameter || !current) return undefined;
  const home = current.get(parameter.dataId);
  current.delete(parameter.dataId);
  return home?.();
}
