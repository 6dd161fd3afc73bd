/**
 * Copies that keep the memory that they write: what one step of a recorded loop leaves for the next.
 *
 * copyInto   to <- from, any shape and dtype.
 * fillCache  keys and values of qkv [B, P, 3C] to columns 0 … P - 1 of cache [B, N, 2C].
 */
import type * as tf from '@tensorflow/tfjs-core';
import { hostFloats, hostNumbers } from './hostValues';
import { registerReference, runOperation } from './operation';

export const COPY_INTO = 'NudgeCopyInto';
export const FILL_CACHE = 'NudgeFillCache';

/** @param to of the same size and dtype as `from` */
export function copyInto(to: tf.Tensor, from: tf.Tensor): void {
  runOperation(COPY_INTO, { to, from });
}

/**
 * @param cache [B, N, 2C], N at least P; the rest of it stays
 * @param qkv [B, P, 3C]
 */
export function fillCache(cache: tf.Tensor3D, qkv: tf.Tensor3D): void {
  runOperation(FILL_CACHE, { cache, qkv });
}

registerReference(COPY_INTO, ({ to, from }) => {
  hostNumbers(to as tf.Tensor).set(hostNumbers(from as tf.Tensor));
  return [];
});

registerReference(FILL_CACHE, (inputs) => {
  const { cache, qkv } = inputs as { cache: tf.Tensor3D; qkv: tf.Tensor3D };
  const [batch, length, tripled] = qkv.shape;
  const [, capacity, doubled] = cache.shape;
  const [to, from] = [hostFloats(cache), hostFloats(qkv)];
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < length; t++) {
      const row = (b * length + t) * tripled;
      to.set(from.subarray(row + doubled / 2, row + tripled), (b * capacity + t) * doubled);
    }
  }
  return [];
});
