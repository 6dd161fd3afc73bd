/** The MLP of a block on WASM: simd/gelu.ts between its products. */
import * as tf from '@tensorflow/tfjs-core';
import { addressOf, type SimdKernels } from '../gpu/simd';
import { unfilled } from './hostValues';
import { plainLinear } from './linear';
import { plainProduct } from './matrixProduct';
import type { MlpAttributes } from './mlp';
import type { Inputs } from './operation';

export function mlpOnWasm(kernels: SimdKernels, inputs: Inputs, { keepInner }: MlpAttributes): tf.Tensor[] {
  const { x, w1, b1, w2, b2, residual } = inputs as Record<'x' | 'w1' | 'b1' | 'w2' | 'b2' | 'residual', tf.Tensor>;
  const pre = plainLinear(x, w1, b1);
  const inner = unfilled<tf.Rank.R2>(pre.shape);
  kernels.gelu(addressOf(inner), addressOf(pre), pre.size);
  const y = tf.add(plainLinear(inner, w2, b2), residual);
  return keepInner ? [y, inner, pre] : [y];
}

export function mlpInnerGradientOnWasm(kernels: SimdKernels, inputs: Inputs): tf.Tensor[] {
  const { dy, w2, pre } = inputs as Record<'dy' | 'w2' | 'pre', tf.Tensor>;
  const dPre = plainProduct(dy, w2, false, true);
  kernels.timesGeluSlope(addressOf(dPre), addressOf(pre), pre.size);
  return [dPre];
}
