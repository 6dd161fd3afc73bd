/**
 * Multi-head causal self-attention of left-padded rows. Vaswani et al. 2017, equation 1, with the mask of GPT.
 *
 * Shapes: qkv [B, T, 3C] holds queries, keys and values side by side, each with H heads of D = C / H; start [B] is the
 * first real position of each row (0 without padding). A token t attends to j with start <= j <= t; tokens before
 * start give 0. out [B, T, C]; lse [B, H, T] is log sum exp of the scores, kept for the backward pass.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { causalAttentionBackwardOnWasm, causalAttentionOnWasm } from './causalAttention.wasm';
import { hostExp } from './hostExp';
import {
  hostMatrix,
  hostProduct,
  leftOperand,
  pack,
  padded,
  rightOperand,
  type HostMatrix,
  type PackedOperand,
} from './hostProduct';
import { hostFloats, unfilled } from './hostValues';
import { registerGradient, registerReference, registerWasm, runOperation } from './operation';

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

/** Copies `factor` times a matrix, [rows, size], into rows that are `stride` apart, from `at`. */
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
  const [x, out, lse] = [hostFloats(qkv), hostFloats(outputs[0]), hostFloats(outputs[1])];
  out.fill(0);
  lse.fill(0);
  const [q, k, v] = [leftOperand(length, size), rightOperand(length, size), rightOperand(size, length)];
  const [scores, p, o] = [hostMatrix(length, length), leftOperand(length, length), hostMatrix(length, size)];
  for (let b = 0; b < batch; b++) {
    const first = start[b] as number;
    const rows = length - first;
    const [count, inner] = [padded(rows), padded(size)];
    for (let h = 0; h < heads; h++) {
      const at = (b * length + first) * 3 * width + h * size;
      pack(q, x, at, 3 * width, 1, rows, size);
      pack(k, x, at + width, 3 * width, 1, rows, size);
      pack(v, x, at + 2 * width, 1, 3 * width, size, rows);
      hostProduct(scores, q, k, count, inner, count, 'lower result');
      softmaxRows(scores, p, rows, scale, lse, (b * heads + h) * length + first);
      hostProduct(o, p, v, count, count, inner, 'lower left');
      put(out, (b * length + first) * width + h * size, width, o, rows, size);
    }
  }
  return [...outputs];
});

/** Weights p from scores [rows, rows], and lse from `at`. */
function softmaxRows(
  { values: scores, rowStride }: HostMatrix,
  { values: p, capacity }: PackedOperand,
  rows: number,
  scale: number,
  lse: Float32Array,
  at: number,
): void {
  for (let i = 0; i < rows; i++) {
    const row = i * rowStride;
    let highest = -Infinity;
    for (let j = row; j <= row + i; j++) if (scores[j]! > highest) highest = scores[j]!;
    let total = 0;
    for (let j = row; j <= row + i; j++) {
      const weight = hostExp((scores[j]! - highest) * scale);
      scores[j] = weight;
      total += weight;
    }
    const share = 1 / total;
    const pair = (i & ~1) * capacity + (i & 1);
    for (let j = 0; j <= i; j++) p[pair + 2 * j] = scores[row + j]! * share;
    if ((i & 1) === 0) p[pair + 2 * (i + 1)] = 0; // where the other row of the pair looks
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
  // Tokens are in the rows of a left operand and the columns of a right one, or else in the inner steps.
  const [q, dyRows] = [leftOperand(length, size), leftOperand(length, size)];
  const [k, v] = [rightOperand(length, size), rightOperand(length, size)];
  const [qSteps, kSteps, dySteps] = [
    rightOperand(size, length),
    rightOperand(size, length),
    rightOperand(size, length),
  ];
  const [scores, dp] = [hostMatrix(length, length), hostMatrix(length, length)];
  const weights: WeightOperands = {
    pTransposed: leftOperand(length, length),
    ds: leftOperand(length, length),
    dsTransposed: leftOperand(length, length),
  };
  const carried = new Float64Array(length);
  const d = hostMatrix(length, size);
  for (let b = 0; b < batch; b++) {
    const first = start[b] as number;
    const rows = length - first;
    const [count, inner] = [padded(rows), padded(size)];
    for (let h = 0; h < heads; h++) {
      const at = (b * length + first) * 3 * width + h * size;
      const outAt = (b * length + first) * width + h * size;
      pack(q, x, at, 3 * width, 1, rows, size);
      pack(qSteps, x, at, 1, 3 * width, size, rows);
      pack(k, x, at + width, 3 * width, 1, rows, size);
      pack(kSteps, x, at + width, 1, 3 * width, size, rows);
      pack(v, x, at + 2 * width, 3 * width, 1, rows, size);
      pack(dyRows, dy, outAt, width, 1, rows, size);
      pack(dySteps, dy, outAt, 1, width, size, rows);
      hostProduct(scores, q, k, count, inner, count, 'lower result');
      hostProduct(dp, dyRows, v, count, inner, count, 'lower result');
      for (let i = 0; i < rows; i++) carried[i] = dot(dy, out, outAt + i * width, size);
      scoreGradients(scores, dp, weights, rows, scale, lse, (b * heads + h) * length + first, carried);
      hostProduct(d, weights.pTransposed, dySteps, count, count, inner, 'upper left');
      put(dx, at + 2 * width, 3 * width, d, rows, size);
      hostProduct(d, weights.ds, kSteps, count, count, inner, 'lower left');
      put(dx, at, 3 * width, d, rows, size, scale);
      hostProduct(d, weights.dsTransposed, qSteps, count, count, inner, 'upper left');
      put(dx, at + width, 3 * width, d, rows, size, scale);
    }
  }
  return [dqkv];
});

type WeightOperands = Record<'pTransposed' | 'ds' | 'dsTransposed', PackedOperand>;

/** sum_d a[at + d] b[at + d] over a head of `size` numbers. */
function dot(a: Float32Array, b: Float32Array, at: number, size: number): number {
  let sum = 0;
  for (let d = at; d < at + size; d++) sum += a[d]! * b[d]!;
  return sum;
}

/** Weights p and p (dp - rowsum(dy o)), packed for the products that follow, from scores and dp. */
function scoreGradients(
  { values: scores, rowStride }: HostMatrix,
  { values: dp }: HostMatrix,
  { pTransposed, ds, dsTransposed }: WeightOperands,
  rows: number,
  scale: number,
  lse: Float32Array,
  at: number,
  carried: Float64Array,
): void {
  const { capacity } = ds;
  const [byColumn, dsByRow, dsByColumn] = [pTransposed.values, ds.values, dsTransposed.values];
  for (let i = 0; i < rows; i++) {
    const row = i * rowStride;
    const pair = (i & ~1) * capacity + (i & 1);
    for (let j = 0; j <= i; j++) {
      const weight = hostExp(scores[row + j]! * scale - lse[at + i]!);
      const gradient = weight * (dp[row + j]! - carried[i]!);
      const column = (j & ~1) * capacity + (j & 1) + 2 * i;
      byColumn[column] = weight;
      dsByColumn[column] = gradient;
      dsByRow[pair + 2 * j] = gradient;
    }
    if ((i & 1) === 0) {
      // Where the other row of the pair looks.
      dsByRow[pair + 2 * (i + 1)] = 0;
      byColumn[pair + 1 + 2 * i] = 0;
      dsByColumn[pair + 1 + 2 * i] = 0;
    }
  }
}

registerWasm(CAUSAL_ATTENTION, causalAttentionOnWasm);
registerWasm(CAUSAL_ATTENTION_BACKWARD, causalAttentionBackwardOnWasm);

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
