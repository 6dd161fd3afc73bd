/**
 * WGSL causal attention in its variants. All compute the same; which fits depends on the size of a head and on what the
 * device can do.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { KernelError } from '../errors';
import keyValueAnySource from '../../shaders/causal_attention_backward_key_value_any.wgsl?raw';
import keyValueQuadSource from '../../shaders/causal_attention_backward_key_value_quad.wgsl?raw';
import keyValueSource from '../../shaders/causal_attention_backward_key_value.wgsl?raw';
import queryAnySource from '../../shaders/causal_attention_backward_query_any.wgsl?raw';
import queryQuadSource from '../../shaders/causal_attention_backward_query_quad.wgsl?raw';
import querySource from '../../shaders/causal_attention_backward_query.wgsl?raw';
import anySource from '../../shaders/causal_attention_any.wgsl?raw';
import quadSource from '../../shaders/causal_attention_quad.wgsl?raw';
import source from '../../shaders/causal_attention.wgsl?raw';
import { disposeScratch, type Kernel, type KernelCall, runKernel } from '../gpu/kernel';

/**
 * `quad`: heads of 4, 8, … 64 numbers, keys and values shared by the four lanes of a quad; only where quads work.
 * `vec4`: the same sizes on any device. `any`: any size.
 */
export type AttentionVariant = 'quad' | 'vec4' | 'any';

interface Kernels {
  forward: Kernel;
  backwardQuery: Kernel;
  backwardKeyValue: Kernel;
}

const KERNELS: Record<AttentionVariant, Kernels> = {
  quad: {
    forward: { name: 'causal_attention_quad', source: quadSource },
    backwardQuery: { name: 'causal_attention_backward_query_quad', source: queryQuadSource },
    backwardKeyValue: { name: 'causal_attention_backward_key_value_quad', source: keyValueQuadSource },
  },
  vec4: {
    forward: { name: 'causal_attention', source },
    backwardQuery: { name: 'causal_attention_backward_query', source: querySource },
    backwardKeyValue: { name: 'causal_attention_backward_key_value', source: keyValueSource },
  },
  any: {
    forward: { name: 'causal_attention_any', source: anySource },
    backwardQuery: { name: 'causal_attention_backward_query_any', source: queryAnySource },
    backwardKeyValue: { name: 'causal_attention_backward_key_value_any', source: keyValueAnySource },
  },
};

const MAX_VEC4_HEAD_SIZE = 64;
const ROWS_A_WORKGROUP = 32;
/** The largest head of which an invocation takes two rows. */
const MAX_HEAD_SIZE_OF_TWO = 32;
const QUAD = 4;
const HEADS_A_QUAD_WORKGROUP = 16;

/**
 * D of `heads` heads side by side in `width`.
 * @throws KernelError where they do not fill it
 */
export function headSize(operation: string, width: number, heads: number): number {
  const size = width / heads;
  if (!Number.isInteger(size)) {
    throw new KernelError(operation, `expected a width that ${heads} heads divide, got ${width}`);
  }
  return size;
}

/** Whether the lanes of a quad have numbers of a head for each other in all that they load. Where not, `vec4` is faster. */
export function fillsQuads(size: number): boolean {
  return size % 16 === 0 && fitsVec4(size);
}

/** Whether the kernels that keep a head in registers, as vec4s, can hold it. */
export function fitsVec4(size: number): boolean {
  return size % 4 === 0 && size <= MAX_VEC4_HEAD_SIZE;
}

/** @returns out [B, T, C], lse [B, H, T] */
export function attend(
  variant: AttentionVariant,
  { qkv, start }: Record<'qkv' | 'start', tf.TensorInfo>,
  heads: number,
): tf.TensorInfo[] {
  const [batch, length, tripled] = qkv.shape as [number, number, number];
  return runKernel(KERNELS[variant].forward, {
    ...shapeOf(variant, qkv, heads),
    inputs: [qkv, start],
    outputs: [
      { shape: [batch, length, tripled / 3], dtype: 'float32' },
      { shape: [batch, heads, length], dtype: 'float32' },
    ],
  });
}

/** @returns dqkv [B, T, 3C] */
export function attendBackward(
  variant: AttentionVariant,
  { qkv, start, out, lse, dy }: Record<'qkv' | 'start' | 'out' | 'lse' | 'dy', tf.TensorInfo>,
  heads: number,
): tf.TensorInfo {
  const [batch, length] = qkv.shape as [number, number, number];
  const { backwardQuery, backwardKeyValue } = KERNELS[variant];
  const shape = shapeOf(variant, qkv, heads);
  const [dqkv, delta] = runKernel(backwardQuery, {
    ...shape,
    inputs: [qkv, start, out, lse, dy],
    outputs: [
      { shape: qkv.shape, dtype: 'float32' },
      { shape: [batch, heads, length], dtype: 'float32' },
    ],
  }) as [tf.TensorInfo, tf.TensorInfo];
  runKernel(backwardKeyValue, { ...shape, inputs: [qkv, start, lse, dy, delta], inPlace: [dqkv] });
  disposeScratch([delta]);
  return dqkv;
}

/** What the three kernels of a variant have in common. */
function shapeOf(
  variant: AttentionVariant,
  qkv: tf.TensorInfo,
  heads: number,
): Pick<KernelCall, 'constants' | 'params' | 'workgroups'> {
  const [batch, length, tripled] = qkv.shape as [number, number, number];
  const size = headSize('causalAttention', tripled / 3, heads);
  const scale = { f32: 1 / Math.sqrt(size) };
  const pairs = batch * heads;
  switch (variant) {
    case 'quad': {
      const two = size <= MAX_HEAD_SIZE_OF_TWO;
      const taken = Math.min(HEADS_A_QUAD_WORKGROUP, pairs);
      return {
        constants: { HEAD_VEC4: size / 4, PAIRS: taken, TWO: Number(two) },
        params: [{ u32: length }, { u32: heads }, { u32: pairs }, scale],
        workgroups: [Math.ceil(length / (two ? 2 * QUAD : QUAD)), Math.ceil(pairs / taken)],
      };
    }
    case 'vec4':
      return {
        constants: { HEAD_VEC4: size / 4 },
        params: [{ u32: length }, { u32: heads }, scale],
        workgroups: [Math.ceil(length / ROWS_A_WORKGROUP), heads, batch],
      };
    case 'any':
      return {
        params: [{ u32: length }, { u32: heads }, { u32: size }, scale],
        workgroups: [Math.ceil(length / ROWS_A_WORKGROUP), heads, batch],
      };
  }
}
