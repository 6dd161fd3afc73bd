/** WGSL causal attention and its gradient. */
import type * as tf from '@tensorflow/tfjs-core';
import { KernelError } from '../errors';
import keyValueSource from '../../shaders/causal_attention_backward_key_value.wgsl?raw';
import querySource from '../../shaders/causal_attention_backward_query.wgsl?raw';
import source from '../../shaders/causal_attention.wgsl?raw';
import { disposeScratch, type Kernel, runKernel } from '../gpu/kernel';
import { type AttentionAttributes, CAUSAL_ATTENTION, CAUSAL_ATTENTION_BACKWARD } from './causalAttention';
import { input, registerWebGpu } from './webgpuOperation';

const FORWARD: Kernel = { name: 'causal_attention', source };
const BACKWARD_QUERY: Kernel = { name: 'causal_attention_backward_query', source: querySource };
const BACKWARD_KEY_VALUE: Kernel = { name: 'causal_attention_backward_key_value', source: keyValueSource };

const MAX_HEAD_SIZE = 64;
const ROWS_A_WORKGROUP = 32;

/**
 * D of `heads` heads side by side in `width`.
 * @throws KernelError where the shaders' registers or their vec4 access do not fit it
 */
export function headSize(operation: string, width: number, heads: number): number {
  const size = width / heads;
  if (size % 4 !== 0 || size > MAX_HEAD_SIZE) {
    throw new KernelError(
      operation,
      `expected heads of 4, 8, … ${MAX_HEAD_SIZE} numbers, got ${heads} of ${size} in a width of ${width}`,
    );
  }
  return size;
}

registerWebGpu<AttentionAttributes>(CAUSAL_ATTENTION, (inputs, { heads }) => {
  const qkv = input(CAUSAL_ATTENTION, inputs, 'qkv');
  const [batch, length, tripled] = qkv.shape as [number, number, number];
  const size = headSize(CAUSAL_ATTENTION, tripled / 3, heads);
  return runKernel(FORWARD, {
    inputs: [qkv, input(CAUSAL_ATTENTION, inputs, 'start', 'int32')],
    outputs: [
      { shape: [batch, length, tripled / 3], dtype: 'float32' },
      { shape: [batch, heads, length], dtype: 'float32' },
    ],
    constants: { HEAD_VEC4: size / 4 },
    params: [{ u32: length }, { u32: heads }, { f32: 1 / Math.sqrt(size) }],
    workgroups: [Math.ceil(length / ROWS_A_WORKGROUP), heads, batch],
  });
});

registerWebGpu<AttentionAttributes>(CAUSAL_ATTENTION_BACKWARD, (inputs, { heads }) => {
  const qkv = input(CAUSAL_ATTENTION_BACKWARD, inputs, 'qkv');
  const start = input(CAUSAL_ATTENTION_BACKWARD, inputs, 'start', 'int32');
  const out = input(CAUSAL_ATTENTION_BACKWARD, inputs, 'out');
  const lse = input(CAUSAL_ATTENTION_BACKWARD, inputs, 'lse');
  const dy = input(CAUSAL_ATTENTION_BACKWARD, inputs, 'dy');
  const [batch, length, tripled] = qkv.shape as [number, number, number];
  const size = headSize(CAUSAL_ATTENTION_BACKWARD, tripled / 3, heads);
  const shared = {
    constants: { HEAD_VEC4: size / 4 },
    params: [{ u32: length }, { u32: heads }, { f32: 1 / Math.sqrt(size) }],
    workgroups: [Math.ceil(length / ROWS_A_WORKGROUP), heads, batch] as const,
  };
  const [dqkv, delta] = runKernel(BACKWARD_QUERY, {
    ...shared,
    inputs: [qkv, start, out, lse, dy],
    outputs: [
      { shape: [batch, length, tripled], dtype: 'float32' },
      { shape: [batch, heads, length], dtype: 'float32' },
    ],
  }) as [tf.TensorInfo, tf.TensorInfo];
  runKernel(BACKWARD_KEY_VALUE, { ...shared, inputs: [qkv, start, lse, dy, delta], inPlace: [dqkv] });
  disposeScratch([delta]);
  return [dqkv];
});
