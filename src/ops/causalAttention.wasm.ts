/** Causal attention on WASM: shaders/simd/attention.ts. */
import type * as tf from '@tensorflow/tfjs-core';
import { addressOf, type SimdKernels } from '../gpu/simd';
import type { AttentionAttributes } from './causalAttention';
import { unfilled } from './hostValues';
import type { Inputs } from './operation';

/** [B, T, C] of an attention whose queries, keys and values are qkv [B, T, 3C]. */
function sizesOf(qkv: tf.Tensor3D): [batch: number, length: number, width: number] {
  const [batch, length, tripled] = qkv.shape;
  return [batch, length, tripled / 3];
}

export function causalAttentionOnWasm(
  kernels: SimdKernels,
  inputs: Inputs,
  { heads }: AttentionAttributes,
): tf.Tensor[] {
  const { qkv, start } = inputs as { qkv: tf.Tensor3D; start: tf.Tensor1D };
  const [batch, length, width] = sizesOf(qkv);
  const size = width / heads;
  const [out, lse] = [unfilled([batch, length, width]), unfilled([batch, heads, length])];
  const scratch = unfilled([kernels.attentionScratch(length, size)]);
  const [to, lseTo, from, starts, work] = [out, lse, qkv, start, scratch].map(addressOf) as Five;
  kernels.attention(to, lseTo, from, starts, work, batch, length, heads, size);
  return [out, lse];
}

type Five = [number, number, number, number, number];

export function causalAttentionBackwardOnWasm(
  kernels: SimdKernels,
  inputs: Inputs,
  { heads }: AttentionAttributes,
): tf.Tensor[] {
  const { qkv, start, out, lse, dy } = inputs as Record<'start' | 'out' | 'lse' | 'dy', tf.Tensor> & {
    qkv: tf.Tensor3D;
  };
  const [batch, length, width] = sizesOf(qkv);
  const size = width / heads;
  const dqkv = unfilled<tf.Rank.R3>(qkv.shape);
  const scratch = addressOf(unfilled([kernels.attentionBackwardScratch(length, size)]));
  const from = [qkv, start, out, lse, dy].map(addressOf) as Five;
  kernels.attentionBackward(addressOf(dqkv), ...from, scratch, batch, length, heads, size);
  return [dqkv];
}
