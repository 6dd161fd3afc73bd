/**
 * Attention of one new token a row over the keys and values of the tokens before it, kept in a cache.
 *
 * Shapes: qkv [B, 3C] of the new token; cache [B, N, 2C], keys then values; start [B]. The new token stands in column
 * `position`: its key and value are written there, in place, and it attends to start <= j <= position. out [B, C].
 * Any head size. No gradient: this is for decoding.
 */
import * as tf from '@tensorflow/tfjs-core';
import { hostFloats } from './hostValues';
import { registerReference, runOperation } from './operation';

export const CACHED_ATTENTION = 'NudgeCachedAttention';

export interface CachedAttentionAttributes {
  heads: number;
  /** Column of the new token, 0 … N - 1; null where it is the input `position`. */
  position: number | null;
}

/**
 * Writes `cache` in place.
 * @param position column of the new token, 0 … N - 1; a tensor [1] int32 where a recorded step is to find it, which is
 *   then for the caller to keep in range
 * @returns [B, C]
 */
export function cachedAttention(
  qkv: tf.Tensor2D,
  cache: tf.Tensor3D,
  start: tf.Tensor1D,
  heads: number,
  position: number | tf.Tensor1D,
): tf.Tensor2D {
  const fixed = typeof position === 'number';
  const attributes: CachedAttentionAttributes = { heads, position: fixed ? position : null };
  const inputs = { qkv, cache, start, ...(!fixed && { position }) };
  return runOperation(CACHED_ATTENTION, inputs, attributes)[0] as tf.Tensor2D;
}

registerReference<CachedAttentionAttributes>(CACHED_ATTENTION, (inputs, { heads, ...attributes }) => {
  const { qkv, cache, start } = inputs as { qkv: tf.Tensor2D; cache: tf.Tensor3D; start: tf.Tensor1D };
  const position = attributes.position ?? ((inputs['position'] as tf.Tensor).dataSync()[0] as number);
  const [batch, capacity, doubled] = cache.shape;
  const width = doubled / 2;
  const size = width / heads;
  const scale = 1 / Math.sqrt(size);
  const x = hostFloats(qkv);
  const kv = hostFloats(cache);
  const starts = start.dataSync<'int32'>();
  const out = new Float32Array(batch * width);
  const scores = new Float32Array(capacity);
  for (let b = 0; b < batch; b++) {
    const row = b * capacity * doubled;
    kv.set(x.subarray(b * 3 * width + width, (b + 1) * 3 * width), row + position * doubled);
    const first = starts[b] as number;
    for (let h = 0; h < heads; h++) {
      const q = b * 3 * width + h * size;
      let highest = -Infinity;
      for (let j = first; j <= position; j++) {
        const k = row + j * doubled + h * size;
        let score = 0;
        for (let d = 0; d < size; d++) score += (x[q + d] as number) * (kv[k + d] as number);
        scores[j] = score * scale;
        highest = Math.max(highest, score * scale);
      }
      let total = 0;
      for (let j = first; j <= position; j++) {
        const weight = Math.exp((scores[j] as number) - highest);
        scores[j] = weight;
        total += weight;
      }
      const o = b * width + h * size;
      for (let j = first; j <= position; j++) {
        const v = row + j * doubled + width + h * size;
        const weight = (scores[j] as number) / total;
        for (let d = 0; d < size; d++) out[o + d] = (out[o + d] as number) + weight * (kv[v + d] as number);
      }
    }
  }
  return [tf.tensor2d(out, [batch, width])];
});
