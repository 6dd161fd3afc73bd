/**
 * WGSL causal attention in its variants. All compute the same; which fits depends on the size of a head and on what the
 * device can do.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { KernelError } from '../errors';
import headSource from '../../shaders/attention_head.wgsl?raw';
import keyValueAnySource from '../../shaders/causal_attention_backward_key_value_any.wgsl?raw';
import keyValueSource from '../../shaders/causal_attention_backward_key_value.wgsl?raw';
import plainSource from '../../shaders/attention_plain.wgsl?raw';
import quadSource from '../../shaders/attention_quad.wgsl?raw';
import queryAnySource from '../../shaders/causal_attention_backward_query_any.wgsl?raw';
import querySource from '../../shaders/causal_attention_backward_query.wgsl?raw';
import anySource from '../../shaders/causal_attention_any.wgsl?raw';
import source from '../../shaders/causal_attention.wgsl?raw';
import { disposeScratch, type Kernel, type KernelCall, runKernel } from '../gpu/kernel';
import { declareVariants, type KernelVariant, type Measurable, powerOfTwo, type Trial } from './kernelVariants';

interface Kernels {
  forward: Kernel;
  backwardQuery: Kernel;
  backwardKeyValue: Kernel;
}

/** `quads`: neighbours share what they load. Heads of 4, 8, … 64 numbers in registers, unless `rows` is 0: any size. */
interface AttentionVariant extends KernelVariant {
  kernels: Kernels;
  /** Rows or keys that an invocation takes. */
  rows: 0 | 1 | 2;
}

const inRegisters = (name: string, shared: string): Kernels => ({
  forward: { name: `causal_attention_${name}`, source: shared + headSource + source },
  backwardQuery: { name: `causal_attention_backward_query_${name}`, source: shared + headSource + querySource },
  backwardKeyValue: {
    name: `causal_attention_backward_key_value_${name}`,
    source: shared + headSource + keyValueSource,
  },
});
const quadKernels = inRegisters('quad', quadSource);
const plainKernels = inRegisters('plain', plainSource);
const anyKernels: Kernels = {
  forward: { name: 'causal_attention_any', source: anySource },
  backwardQuery: { name: 'causal_attention_backward_query_any', source: queryAnySource },
  backwardKeyValue: { name: 'causal_attention_backward_key_value_any', source: keyValueAnySource },
};

const QUAD_TWO: AttentionVariant = { name: 'quad two', quads: true, kernels: quadKernels, rows: 2 };
const QUAD: AttentionVariant = { name: 'quad', quads: true, kernels: quadKernels, rows: 1 };
const PLAIN_TWO: AttentionVariant = { name: 'plain two', quads: false, kernels: plainKernels, rows: 2 };
const PLAIN: AttentionVariant = { name: 'plain', quads: false, kernels: plainKernels, rows: 1 };
const ANY: AttentionVariant = { name: 'any', quads: false, kernels: anyKernels, rows: 0 };

const VARIANTS = [QUAD_TWO, QUAD, PLAIN_TWO, PLAIN, ANY] as const;

const measurable = (trialOf: (shape: AttentionShape) => Trial): Measurable => ({
  source: VARIANTS.flatMap(({ kernels }) => Object.values(kernels).map(({ source: text }: Kernel) => text)).join(''),
  trialOf: (shape) => {
    const [batch, length, heads, size] = shape.split(' x ').map(Number) as [number, number, number, number];
    return trialOf({ batch, length, heads, size });
  },
});

const choose = declareVariants('causal attention', VARIANTS, measurable(forwardTrial));
const chooseBackward = declareVariants('causal attention backward', VARIANTS, measurable(backwardTrial));

const MAX_SIZE_IN_REGISTERS = 64;
/** Two rows of a larger head, with their sums, are more than the registers of a GPU hold. */
const MAX_SIZE_OF_TWO = 32;
/** What the four lanes of a quad load at once; a head that does not fill it makes them share zeros. */
const NUMBERS_A_QUAD = 16;
const NEIGHBOURS = 4;
const MAX_HEADS_A_WORKGROUP = 16;
const ANY_ROWS_A_WORKGROUP = 32;

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

/** Whether the kernels that keep a head in registers, as vec4s, can hold it. */
export function fitsRegisters(size: number): boolean {
  return size % 4 === 0 && size <= MAX_SIZE_IN_REGISTERS;
}

/** The variants that can serve a head size, best first. */
function orderFor(size: number): readonly [AttentionVariant, ...AttentionVariant[]] {
  if (!fitsRegisters(size)) return [ANY];
  if (size > MAX_SIZE_OF_TWO) return [QUAD, PLAIN, QUAD_TWO, PLAIN_TWO, ANY];
  if (size % NUMBERS_A_QUAD !== 0) return [PLAIN_TWO, PLAIN, QUAD_TWO, QUAD, ANY];
  return [QUAD_TWO, PLAIN_TWO, QUAD, PLAIN, ANY];
}

/** @returns out [B, T, C], lse [B, H, T] */
export function attend(
  device: GPUDevice,
  { qkv, start }: Record<'qkv' | 'start', tf.TensorInfo>,
  heads: number,
): tf.TensorInfo[] {
  const shape = shapeOf(qkv, heads);
  const { batch, length, size } = shape;
  const variant = choose(device, nameOf(shape), orderFor(size));
  return runKernel(variant.kernels.forward, {
    ...callOf(variant, shape),
    inputs: [qkv, start],
    outputs: [
      { shape: [batch, length, heads * size], dtype: 'float32' },
      { shape: [batch, heads, length], dtype: 'float32' },
    ],
  });
}

/** @returns dqkv [B, T, 3C] */
export function attendBackward(
  device: GPUDevice,
  { qkv, start, out, lse, dy }: Record<'qkv' | 'start' | 'out' | 'lse' | 'dy', tf.TensorInfo>,
  heads: number,
): tf.TensorInfo {
  const shape = shapeOf(qkv, heads);
  const variant = chooseBackward(device, nameOf(shape), orderFor(shape.size));
  const { backwardQuery, backwardKeyValue } = variant.kernels;
  const call = callOf(variant, shape);
  const [dqkv, delta] = runKernel(backwardQuery, {
    ...call,
    inputs: [qkv, start, out, lse, dy],
    outputs: [
      { shape: qkv.shape, dtype: 'float32' },
      { shape: lse.shape, dtype: 'float32' },
    ],
  }) as [tf.TensorInfo, tf.TensorInfo];
  runKernel(backwardKeyValue, { ...call, inputs: [qkv, start, lse, dy, delta], inPlace: [dqkv] });
  disposeScratch([delta]);
  return dqkv;
}

type Operands = Readonly<Record<string, tf.TensorInfo>>;

function forwardTrial(shape: AttentionShape): Trial {
  const { batch, length, heads, size } = shape;
  return {
    operands: {
      qkv: { shape: [batch, length, 3 * heads * size], dtype: 'float32' },
      start: { shape: [batch], dtype: 'int32' },
    },
    flops: 2 * productFlops(shape),
    run: (device, operands: Operands) => attend(device, operands as Parameters<typeof attend>[1], heads),
  };
}

function backwardTrial(shape: AttentionShape): Trial {
  const { batch, length, heads, size } = shape;
  const one = { shape: [batch, length, heads * size], dtype: 'float32' } as const;
  return {
    operands: {
      ...forwardTrial(shape).operands,
      out: one,
      lse: { shape: [batch, heads, length], dtype: 'float32' },
      dy: one,
    },
    flops: 5 * productFlops(shape),
    run: (device, operands: Operands) => [
      attendBackward(device, operands as Parameters<typeof attendBackward>[1], heads),
    ],
  };
}

/** Of one product over the half of all pairs of rows that causal attention computes. */
const productFlops = ({ batch, length, heads, size }: AttentionShape): number =>
  batch * heads * size * length * (length + 1);

interface AttentionShape {
  batch: number;
  length: number;
  heads: number;
  size: number;
}

function shapeOf(qkv: tf.TensorInfo, heads: number): AttentionShape {
  const [batch, length, tripled] = qkv.shape as [number, number, number];
  return { batch, length, heads, size: headSize('causalAttention', tripled / 3, heads) };
}

/** Batch and length are rounded up: each length of a conversation would be a shape of its own. */
const nameOf = ({ batch, length, heads, size }: AttentionShape): string =>
  `${powerOfTwo(batch)} x ${powerOfTwo(length)} x ${heads} x ${size}`;

/** What the three kernels of a variant have in common. */
function callOf(
  { rows }: AttentionVariant,
  { batch, length, heads, size }: AttentionShape,
): Pick<KernelCall, 'constants' | 'params' | 'workgroups'> {
  const scale = { f32: 1 / Math.sqrt(size) };
  if (rows === 0) {
    return {
      params: [{ u32: length }, { u32: heads }, { u32: size }, scale],
      workgroups: [Math.ceil(length / ANY_ROWS_A_WORKGROUP), heads, batch],
    };
  }
  const pairs = batch * heads;
  const groups = Math.ceil(pairs / MAX_HEADS_A_WORKGROUP);
  return {
    // As many heads in each workgroup, so that few lanes have none.
    constants: { HEAD_VEC4: size / 4, PAIRS: Math.ceil(pairs / groups), TWO: Number(rows === 2) },
    params: [{ u32: length }, { u32: heads }, { u32: pairs }, scale],
    workgroups: [Math.ceil(length / (rows * NEIGHBOURS)), groups],
  };
}
