/**
 * Multi-head causal self-attention of left-padded rows. Vaswani et al. 2017, equation 1, with the mask of GPT.
 *
 * Shapes: qkv [B, T, 3C] holds queries, keys and values side by side, each with H heads of D = C / H; start [B] is the
 * first real position of each row (0 without padding). A token t attends to j with start <= j <= t; tokens before
 * start give 0. out [B, T, C]; lse [B, H, T] is log sum exp of the scores, kept for the backward pass.
 */
import * as tf from '@tensorflow/tfjs-core';
import { hostExp } from './hostExp';
import { hostMatrix, hostProduct, padded, transposeOf, type HostMatrix } from './hostProduct';
import { hostFloats, unfilled } from './hostValues';
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

interface Sizes {
  batch: number;
  length: number;
  width: number;
  /** D, numbers of a head. */
  size: number;
  scale: number;
}

function sizesOf(qkv: tf.Tensor, heads: number): Sizes {
  const [batch, length, tripled] = qkv.shape as [number, number, number];
  const width = tripled / 3;
  return { batch, length, width, size: width / heads, scale: 1 / Math.sqrt(width / heads) };
}

/** Copies `rows` rows of a head, `size` numbers each, `stride` apart from `at`, into a matrix, and zeros after them. */
function take(
  { values, rowStride }: HostMatrix,
  x: Float32Array,
  at: number,
  stride: number,
  rows: number,
  size: number,
) {
  for (let i = 0; i < rows; i++) {
    for (let d = 0; d < size; d++) values[i * rowStride + d] = x[at + i * stride + d]!;
  }
  values.fill(0, rows * rowStride, padded(rows) * rowStride);
}

/** The other way, times `factor`. */
function put(
  x: Float32Array,
  at: number,
  stride: number,
  { values, rowStride }: HostMatrix,
  rows: number,
  size: number,
  factor = 1,
): void {
  for (let i = 0; i < rows; i++) {
    for (let d = 0; d < size; d++) x[at + i * stride + d] = factor * values[i * rowStride + d]!;
  }
}

// A head is a few small products over the tokens that its row really has; what the mask hides is not computed.
registerReference<AttentionAttributes>(CAUSAL_ATTENTION, (inputs, { heads }) => {
  const qkv = inputs['qkv'] as tf.Tensor3D;
  const { batch, length, width, size, scale } = sizesOf(qkv, heads);
  const start = (inputs['start'] as tf.Tensor1D).dataSync<'int32'>();
  const outputs = [unfilled([batch, length, width]), unfilled([batch, heads, length])] as const;
  const x = hostFloats(qkv);
  const [out, lse] = outputs.map(hostFloats) as [Float32Array, Float32Array];
  out.fill(0);
  lse.fill(0);
  const ofHead = (): HostMatrix => hostMatrix(length, size);
  const [q, k, v, o] = [ofHead(), ofHead(), ofHead(), ofHead()];
  const p = hostMatrix(length, length);
  for (let b = 0; b < batch; b++) {
    const first = start[b] as number;
    const rows = length - first;
    const [count, inner] = [padded(rows), padded(size)];
    for (let h = 0; h < heads; h++) {
      const at = (b * length + first) * 3 * width + h * size;
      take(q, x, at, 3 * width, rows, size);
      take(k, x, at + width, 3 * width, rows, size);
      take(v, x, at + 2 * width, 3 * width, rows, size);
      hostProduct(p, q, transposeOf(k), count, inner, count, 'lower result'); // scores
      softmaxRows(p, rows, scale, lse, (b * heads + h) * length + first);
      hostProduct(o, p, v, count, count, inner, 'lower left');
      put(out, (b * length + first) * width + h * size, width, o, rows, size);
    }
  }
  return [...outputs];
});

/** Turns scores [rows, rows] into weights, with 0 right of the diagonal where products look, and writes lse from `at`. */
function softmaxRows(
  { values, rowStride }: HostMatrix,
  rows: number,
  scale: number,
  lse: Float32Array,
  at: number,
): void {
  for (let i = 0; i < rows; i++) {
    const row = i * rowStride;
    let highest = -Infinity;
    for (let j = row; j <= row + i; j++) if (values[j]! > highest) highest = values[j]!;
    let total = 0;
    for (let j = row; j <= row + i; j++) {
      const weight = hostExp((values[j]! - highest) * scale);
      values[j] = weight;
      total += weight;
    }
    const share = 1 / total;
    for (let j = row; j <= row + i; j++) values[j] = values[j]! * share;
    if (i + 1 < rowStride) values[row + i + 1] = 0;
    lse[at + i] = highest * scale + Math.log(total);
  }
}

// p = exp(s - lse);  dv = p' dy;  dp = dy v';  ds = p (dp - rowsum(dy o)) / sqrt D;  dq = ds k;  dk = ds' q.
registerReference<AttentionAttributes>(CAUSAL_ATTENTION_BACKWARD, (inputs, { heads }) => {
  const qkv = inputs['qkv'] as tf.Tensor3D;
  const { batch, length, width, size, scale } = sizesOf(qkv, heads);
  const start = (inputs['start'] as tf.Tensor1D).dataSync<'int32'>();
  const dqkv = unfilled<tf.Rank.R3>(qkv.shape);
  const [x, dx] = [hostFloats(qkv), hostFloats(dqkv)];
  const [out, lse, dy] = ['out', 'lse', 'dy'].map((name) => hostFloats(inputs[name] as tf.Tensor)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  dx.fill(0);
  const ofHead = (): HostMatrix => hostMatrix(length, size);
  const [q, k, v, g, o, d] = [ofHead(), ofHead(), ofHead(), ofHead(), ofHead(), ofHead()];
  const [p, ds] = [hostMatrix(length, length), hostMatrix(length, length)];
  for (let b = 0; b < batch; b++) {
    const first = start[b] as number;
    const rows = length - first;
    const [count, inner] = [padded(rows), padded(size)];
    for (let h = 0; h < heads; h++) {
      const at = (b * length + first) * 3 * width + h * size;
      const outAt = (b * length + first) * width + h * size;
      take(q, x, at, 3 * width, rows, size);
      take(k, x, at + width, 3 * width, rows, size);
      take(v, x, at + 2 * width, 3 * width, rows, size);
      take(g, dy, outAt, width, rows, size);
      take(o, out, outAt, width, rows, size);
      hostProduct(p, q, transposeOf(k), count, inner, count, 'lower result');
      hostProduct(ds, g, transposeOf(v), count, inner, count, 'lower result');
      scoreGradients(p, ds, g, o, rows, count, size, scale, lse, (b * heads + h) * length + first);
      hostProduct(d, transposeOf(p), g, count, count, inner, 'upper left');
      put(dx, at + 2 * width, 3 * width, d, rows, size);
      hostProduct(d, ds, k, count, count, inner, 'lower left');
      put(dx, at, 3 * width, d, rows, size, scale);
      hostProduct(d, transposeOf(ds), q, count, count, inner, 'upper left');
      put(dx, at + width, 3 * width, d, rows, size, scale);
    }
  }
  return [dqkv];
});

/** Turns scores into weights p and dp into p (dp - rowsum(dy o)), both 0 in whatever else products look at. */
function scoreGradients(
  { values: p, rowStride }: HostMatrix,
  { values: ds }: HostMatrix,
  { values: dy, rowStride: dyStride }: HostMatrix,
  { values: o }: HostMatrix,
  rows: number,
  count: number,
  size: number,
  scale: number,
  lse: Float32Array,
  at: number,
): void {
  for (let i = 0; i < rows; i++) {
    let carried = 0;
    for (let d = i * dyStride; d < i * dyStride + size; d++) carried += dy[d]! * o[d]!;
    const normaliser = lse[at + i]!;
    const row = i * rowStride;
    for (let j = row; j <= row + i; j++) {
      const weight = hostExp(p[j]! * scale - normaliser);
      p[j] = weight;
      ds[j] = weight * (ds[j]! - carried);
    }
    p.fill(0, row + i + 1, row + count);
    ds.fill(0, row + i + 1, row + count);
  }
  p.fill(0, rows * rowStride, count * rowStride);
  ds.fill(0, rows * rowStride, count * rowStride);
}

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
