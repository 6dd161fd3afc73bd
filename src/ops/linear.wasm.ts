/** A linear layer on WASM: shaders/simd/product.ts with bias and residual, and shaders/simd/sumOfRows.ts for the gradient of its bias. */
import type * as tf from '@tensorflow/tfjs-core';
import { addressOf, type SimdKernels } from '../gpu/simd';
import { unfilled } from './hostValues';
import { simdProduct } from './matrixProduct.wasm';
import type { Inputs } from './operation';

export function linearOnWasm(kernels: SimdKernels, { x, weight, bias, residual }: Inputs): tf.Tensor[] {
  return [simdProduct(kernels, x as tf.Tensor, weight as tf.Tensor, { bias, residual })];
}

export function linearParameterGradientsOnWasm(kernels: SimdKernels, inputs: Inputs): tf.Tensor[] {
  const { x, dy } = inputs as Record<'x' | 'dy', tf.Tensor2D>;
  const [rows, width] = dy.shape;
  const dBias = unfilled([width]);
  kernels.sumOfRows(addressOf(dBias), addressOf(dy), rows, width);
  return [simdProduct(kernels, x, dy, { transposeA: true }), dBias];
}
