/** A linear layer on WASM: simd/sumOfRows.ts for the gradient of its bias. */
import type * as tf from '@tensorflow/tfjs-core';
import { addressOf, type SimdKernels } from '../gpu/simd';
import { unfilled } from './hostValues';
import { plainProduct } from './matrixProduct';
import type { Inputs } from './operation';

export function linearParameterGradientsOnWasm(kernels: SimdKernels, inputs: Inputs): tf.Tensor[] {
  const { x, dy } = inputs as Record<'x' | 'dy', tf.Tensor2D>;
  const [rows, width] = dy.shape;
  const dBias = unfilled([width]);
  kernels.sumOfRows(addressOf(dBias), addressOf(dy), rows, width);
  return [plainProduct(x, dy, true), dBias];
}
