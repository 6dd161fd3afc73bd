/** Layer norm on WASM: shaders/simd/layerNorm.ts. */
import type * as tf from '@tensorflow/tfjs-core';
import { addressOf, type SimdKernels } from '../gpu/simd';
import { unfilled } from './hostValues';
import type { LayerNormAttributes } from './layerNorm';
import type { Inputs } from './operation';
import { passTensorThrough } from './passThrough';

export function layerNormOnWasm(
  kernels: SimdKernels,
  inputs: Inputs,
  { epsilon, passX }: LayerNormAttributes,
): tf.Tensor[] {
  const { x, gamma, beta } = inputs as { x: tf.Tensor2D; gamma: tf.Tensor1D; beta: tf.Tensor1D };
  const [rows, width] = x.shape;
  const [y, statistics] = [unfilled([rows, width]), unfilled([rows, 2])];
  const [to, statisticsTo] = [addressOf(y), addressOf(statistics)];
  kernels.layerNorm(to, statisticsTo, addressOf(x), addressOf(gamma), addressOf(beta), rows, width, epsilon);
  return [y, statistics, ...(passX ? [passTensorThrough(x)] : [])];
}

export function layerNormBackwardOnWasm(kernels: SimdKernels, inputs: Inputs): tf.Tensor[] {
  const { x, gamma, statistics, dy, dPassed } = inputs as Record<'gamma' | 'statistics' | 'dy', tf.Tensor> & {
    x: tf.Tensor2D;
    dPassed?: tf.Tensor;
  };
  const [rows, width] = x.shape;
  const outputs = [unfilled([rows, width]), unfilled([width]), unfilled([width])] as const;
  kernels.layerNormBackward(
    ...(outputs.map(addressOf) as [number, number, number]),
    addressOf(x),
    addressOf(gamma),
    addressOf(statistics),
    addressOf(dy),
    dPassed ? addressOf(dPassed) : 0,
    addressOf(unfilled([2 * width])),
    rows,
    width,
  );
  return [...outputs];
}
