/** The MLP of a block on WASM: shaders/simd/gelu.ts between the products of shaders/simd/product.ts. */
import type * as tf from '@tensorflow/tfjs-core';
import { addressOf, type SimdKernels } from '../gpu/simd';
import { unfilled } from './hostValues';
import { simdProduct } from './matrixProduct.wasm';
import type { MlpAttributes } from './mlp';
import type { Inputs } from './operation';

export function mlpOnWasm(kernels: SimdKernels, inputs: Inputs, { keepInner }: MlpAttributes): tf.Tensor[] {
  const { x, w1, b1, w2, b2, residual } = inputs as Record<'x' | 'w1' | 'b1' | 'w2' | 'b2' | 'residual', tf.Tensor>;
  const pre = simdProduct(kernels, x, w1, { bias: b1 });
  const inner = unfilled<tf.Rank.R2>(pre.shape);
  kernels.gelu(addressOf(inner), addressOf(pre), pre.size);
  const y = simdProduct(kernels, inner, w2, { bias: b2, residual });
  return keepInner ? [y, inner, pre] : [y];
}

export function mlpInnerGradientOnWasm(kernels: SimdKernels, inputs: Inputs): tf.Tensor[] {
  const { dy, w2, pre } = inputs as Record<'dy' | 'w2' | 'pre', tf.Tensor>;
  const dPre = simdProduct(kernels, dy, w2, { transposeB: true });
  kernels.timesGeluSlope(addressOf(dPre), addressOf(pre), pre.size);
  return [dPre];
}
