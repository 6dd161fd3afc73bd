/**
 * Multi-head causal self-attention of left-padded rows. Vaswani et al. 2017, equation 1, with the mask of GPT.
 *
 * Shapes: qkv [B, T, 3C] holds queries, keys and values side by side, each with H heads of D = C / H; start [B] is the
 * first real position of each row (0 without padding). A token t attends to j with start <= j <= t; tokens before
 * start give 0. out [B, T, C]; lse [B, H, T] is log sum exp of the scores, kept for the backward pass.
 */
import * as tf from '@tensorflow/tfjs-core';
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

/** A score that no real one reaches; exp of it is 0 without making a NaN in a row that sees nothing. */
const MASKED = -1e9;

/** [B, 1, T, T]: 0 where t may see j, MASKED elsewhere. */
function visibility(start: tf.Tensor, length: number): tf.Tensor4D {
  const j = tf.range(0, length);
  const causal = tf.lessEqual(tf.reshape(j, [1, 1, 1, length]), tf.reshape(j, [1, 1, length, 1]));
  const real = tf.greaterEqual(tf.reshape(j, [1, 1, 1, length]), tf.cast(tf.reshape(start, [-1, 1, 1, 1]), 'float32'));
  return tf.mul(tf.sub(1, tf.cast(tf.logicalAnd(causal, real), 'float32')), MASKED) as tf.Tensor4D;
}

/** [B, 1, T, 1]: 1 at real positions, 0 at padding. */
function realRows(start: tf.Tensor, length: number): tf.Tensor4D {
  const t = tf.reshape(tf.range(0, length), [1, 1, length, 1]);
  return tf.cast(tf.greaterEqual(t, tf.cast(tf.reshape(start, [-1, 1, 1, 1]), 'float32')), 'float32') as tf.Tensor4D;
}

/** [B, T, C] to [B, H, T, D]. */
function splitHeads(x: tf.Tensor3D, heads: number): tf.Tensor4D {
  const [batch, length, width] = x.shape;
  return tf.transpose(tf.reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]) as tf.Tensor4D;
}

/** [B, H, T, D] to [B, T, C]. */
function joinHeads(x: tf.Tensor4D): tf.Tensor3D {
  const [batch, heads, length, size] = x.shape;
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch, length, heads * size]);
}

/**
 * One product a head. tfjs-wasm gives XNNPACK only products without a batch dimension, and is 15 times slower with one.
 * @param a [B, H, R, K]
 * @param b [B, H, K, N]
 * @returns [B, H, R, N]
 */
function batchedProduct(a: tf.Tensor, b: tf.Tensor): tf.Tensor4D {
  const [batch, heads, rows, inner] = a.shape as [number, number, number, number];
  const columns = b.shape[3] as number;
  if (tf.getBackend() !== 'wasm') return tf.matMul(a, b) as tf.Tensor4D;
  const left = tf.unstack(tf.reshape(a, [batch * heads, rows, inner]));
  const right = tf.unstack(tf.reshape(b, [batch * heads, inner, columns]));
  const products = left.map((x, i) => tf.matMul(x as tf.Tensor2D, right[i] as tf.Tensor2D));
  return tf.reshape(tf.stack(products), [batch, heads, rows, columns]);
}

registerReference<AttentionAttributes>(CAUSAL_ATTENTION, (inputs, { heads }) => {
  const { qkv, start } = inputs as { qkv: tf.Tensor3D; start: tf.Tensor1D };
  const length = qkv.shape[1];
  const [q, k, v] = tf.split(qkv, 3, 2).map((x) => splitHeads(x, heads)) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const scale = 1 / Math.sqrt(q.shape[3]);
  const scores = tf.add(tf.mul(batchedProduct(q, tf.transpose(k, [0, 1, 3, 2])), scale), visibility(start, length)); // [B, H, T, T]
  const highest = tf.max(scores, 3, true);
  const weights = tf.exp(tf.sub(scores, highest));
  const total = tf.sum(weights, 3, true); // [B, H, T, 1]
  const out = tf.mul(tf.div(batchedProduct(weights, v), total), realRows(start, length)) as tf.Tensor4D;
  const lse = tf.squeeze(tf.add(highest, tf.log(total)), [3]);
  return [joinHeads(out), lse];
});

// p = exp(s - lse);  dv = p' dy;  dp = dy v';  ds = p (dp - rowsum(dy o));  dq = ds k / sqrt D;  dk = ds' q / sqrt D.
registerReference<AttentionAttributes>(CAUSAL_ATTENTION_BACKWARD, (inputs, { heads }) => {
  const { qkv, start, out, lse, dy } = inputs as {
    qkv: tf.Tensor3D;
    start: tf.Tensor1D;
    out: tf.Tensor3D;
    lse: tf.Tensor3D;
    dy: tf.Tensor3D;
  };
  const length = qkv.shape[1];
  const [q, k, v] = tf.split(qkv, 3, 2).map((x) => splitHeads(x, heads)) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const g = tf.mul(splitHeads(dy, heads), realRows(start, length)) as tf.Tensor4D;
  const o = splitHeads(out, heads);
  const scale = 1 / Math.sqrt(q.shape[3]);
  const scores = tf.add(tf.mul(batchedProduct(q, tf.transpose(k, [0, 1, 3, 2])), scale), visibility(start, length));
  const p = tf.exp(tf.sub(scores, tf.expandDims(lse, 3))) as tf.Tensor4D; // [B, H, T, T]
  const dv = batchedProduct(tf.transpose(p, [0, 1, 3, 2]), g);
  const dp = batchedProduct(g, tf.transpose(v, [0, 1, 3, 2]));
  const ds = tf.mul(tf.mul(p, tf.sub(dp, tf.sum(tf.mul(g, o), 3, true))), scale) as tf.Tensor4D;
  const dq = batchedProduct(ds, k);
  const dk = batchedProduct(tf.transpose(ds, [0, 1, 3, 2]), q);
  return [tf.concat([dq, dk, dv].map((x) => joinHeads(x as tf.Tensor4D)), 2)];
});

registerGradient<AttentionAttributes>(
  CAUSAL_ATTENTION,
  { inputs: ['qkv', 'start'], outputs: [true, true] },
  ([dy], [qkv, start, out, lse], attributes) => ({
    qkv: () =>
      runOperation(CAUSAL_ATTENTION_BACKWARD, { qkv, start, out, lse, dy } as Record<string, tf.Tensor>, attributes)[0] as tf.Tensor,
  }),
);
