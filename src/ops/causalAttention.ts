/**
 * Multi-head causal self-attention of left-padded rows. Vaswani et al. 2017, equation 1, with the mask of GPT.
 *
 * Shapes: qkv [B, T, 3C] holds queries, keys and values side by side, each with H heads of D = C / H; start [B] is the
 * first real position of each row (0 without padding). A token t attends to j with start <= j <= t; tokens before
 * start give 0. out [B, T, C]; lse [B, H, T] is log sum exp of the scores, kept for the backward pass.
 */
import * as tf from '@tensorflow/tfjs-core';
import { hostFloats } from './hostValues';
import { registerGradient, registerReference, runOperation } from './operation';

export const CAUSAL_ATTENTION = 'NudgeCausalAttention';
/** Inputs qkv, start, out, lse, dy; output dqkv [B, T, 3C]. */
export const CAUSAL_ATTENTION_BACKWARD = 'NudgeCausalAttentionBackward';

export interface AttentionAttributes {
  heads: number;
}

/**
 * @param qkv [B, T, 3C], float32
 * @param start [B], int32
 * @returns [B, T, C]
 */
export function causalAttention(qkv: tf.Tensor3D, start: tf.Tensor1D, heads: number): tf.Tensor3D {
  const attributes: AttentionAttributes = { heads };
  return runOperation(CAUSAL_ATTENTION, { qkv, start }, attributes)[0] as tf.Tensor3D;
}

/** Where the parts of one head lie in the flat arrays. */
interface HeadLayout {
  batch: number;
  length: number;
  width: number;
  heads: number;
  size: number;
  scale: number;
}

function layoutOf(qkv: tf.Tensor, heads: number): HeadLayout {
  const [batch, length, tripled] = qkv.shape as [number, number, number];
  const width = tripled / 3;
  return { batch, length, width, heads, size: width / heads, scale: 1 / Math.sqrt(width / heads) };
}

/** sum_d a[i + d] b[j + d] over a head of `size` numbers. */
function dot(a: Float32Array, i: number, b: Float32Array, j: number, size: number): number {
  let sum = 0;
  for (let d = 0; d < size; d++) sum += (a[i + d] as number) * (b[j + d] as number);
  return sum;
}

/** y[j + d] += factor x[i + d] over a head of `size` numbers. */
function addScaled(y: Float32Array, j: number, x: Float32Array, i: number, factor: number, size: number): void {
  for (let d = 0; d < size; d++) y[j + d] = (y[j + d] as number) + factor * (x[i + d] as number);
}

// Loops over host arrays. Batched products of small matrices are slow in tfjs-wasm (1.6 GFLOP/s, and unbatched ones cost
// more in calls than they save); a loop that skips the masked half takes a third of the time.
registerReference<AttentionAttributes>(CAUSAL_ATTENTION, (inputs, { heads }) => {
  const qkv = inputs['qkv'] as tf.Tensor3D;
  const { batch, length, width, size, scale } = layoutOf(qkv, heads);
  const x = hostFloats(qkv);
  const start = (inputs['start'] as tf.Tensor1D).dataSync<'int32'>();
  const out = new Float32Array(batch * length * width);
  const lse = new Float32Array(batch * heads * length);
  const scores = new Float32Array(length);
  for (let b = 0; b < batch; b++) {
    const first = start[b] as number;
    for (let h = 0; h < heads; h++) {
      for (let t = first; t < length; t++) {
        const q = (b * length + t) * 3 * width + h * size;
        let highest = -Infinity;
        for (let j = first; j <= t; j++) {
          const k = (b * length + j) * 3 * width + width + h * size;
          const score = dot(x, q, x, k, size) * scale;
          scores[j] = score;
          highest = Math.max(highest, score);
        }
        let total = 0;
        for (let j = first; j <= t; j++) {
          const weight = Math.exp((scores[j] as number) - highest);
          scores[j] = weight;
          total += weight;
        }
        const o = (b * length + t) * width + h * size;
        for (let j = first; j <= t; j++) {
          const v = (b * length + j) * 3 * width + 2 * width + h * size;
          addScaled(out, o, x, v, (scores[j] as number) / total, size);
        }
        lse[(b * heads + h) * length + t] = highest + Math.log(total);
      }
    }
  }
  return [tf.tensor3d(out, [batch, length, width]), tf.tensor3d(lse, [batch, heads, length])];
});

// p = exp(s - lse);  dv = p' dy;  dp = dy v';  ds = p (dp - rowsum(dy o)) / sqrt D;  dq = ds k;  dk = ds' q.
registerReference<AttentionAttributes>(CAUSAL_ATTENTION_BACKWARD, (inputs, { heads }) => {
  const qkv = inputs['qkv'] as tf.Tensor3D;
  const { batch, length, width, size, scale } = layoutOf(qkv, heads);
  const x = hostFloats(qkv);
  const start = (inputs['start'] as tf.Tensor1D).dataSync<'int32'>();
  const [out, lse, dy] = ['out', 'lse', 'dy'].map((name) => hostFloats(inputs[name] as tf.Tensor)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const dx = new Float32Array(x.length);
  for (let b = 0; b < batch; b++) {
    const first = start[b] as number;
    for (let h = 0; h < heads; h++) {
      for (let t = first; t < length; t++) {
        const q = (b * length + t) * 3 * width + h * size;
        const o = (b * length + t) * width + h * size;
        const normaliser = lse[(b * heads + h) * length + t] as number;
        const carried = dot(dy, o, out, o, size);
        for (let j = first; j <= t; j++) {
          const k = (b * length + j) * 3 * width + width + h * size;
          const v = k + width;
          let score = 0;
          let dp = 0;
          for (let d = 0; d < size; d++) {
            score += (x[q + d] as number) * (x[k + d] as number);
            dp += (dy[o + d] as number) * (x[v + d] as number);
          }
          const p = Math.exp(score * scale - normaliser);
          const ds = p * (dp - carried) * scale;
          for (let d = 0; d < size; d++) {
            dx[v + d] = (dx[v + d] as number) + p * (dy[o + d] as number);
            dx[k + d] = (dx[k + d] as number) + ds * (x[q + d] as number);
            dx[q + d] = (dx[q + d] as number) + ds * (x[k + d] as number);
          }
        }
      }
    }
  }
  return [tf.tensor3d(dx, qkv.shape)];
});

registerGradient<AttentionAttributes>(
  CAUSAL_ATTENTION,
  { inputs: ['qkv', 'start'], outputs: [true, true] },
  ([dy], [qkv, start, out, lse], attributes) => ({
    qkv: () =>
      runOperation(
        CAUSAL_ATTENTION_BACKWARD,
        { qkv, start, out, lse, dy } as Record<string, tf.Tensor>,
        attributes,
      )[0] as tf.Tensor,
  }),
);
