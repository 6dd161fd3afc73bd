/** Matrix products on WASM: shaders/simd/product.ts, or XNNPACK where that is faster. */
import * as tf from '@tensorflow/tfjs-core';
import { addressOf, tfjsThreads, type SimdKernels } from '../gpu/simd';
import { unfilled } from './hostValues';
import { plainProduct, type MatrixProductAttributes } from './matrixProduct';
import type { Inputs } from './operation';

interface ProductOptions extends Partial<MatrixProductAttributes> {
  /** [N], added to every row. */
  bias?: tf.Tensor | undefined;
  /** [M, N], added to the product. */
  residual?: tf.Tensor | undefined;
}

/** From this many rows on, packing the right operand pays; for fewer XNNPACK, which keeps it packed, is faster. */
const FEWEST_ROWS = 16;

/** With as many threads XNNPACK is taken to be faster: on one it has 0.5 to 0.7 of the rate. */
const MANY_THREADS = 4;

/** op(a) op(b) + bias + residual, [M, N]. To be called in a tidy, which frees the scratch memory. */
export function simdProduct(
  kernels: SimdKernels,
  a: tf.Tensor,
  b: tf.Tensor,
  { transposeA = false, transposeB = false, bias, residual }: ProductOptions = {},
): tf.Tensor2D {
  const [[height, breadth], [depth, extent]] = [a.shape, b.shape] as [[number, number], [number, number]];
  const [rows, inner] = transposeA ? [breadth, height] : [height, breadth];
  const columns = transposeB ? depth : extent;
  if (tfjsThreads() >= MANY_THREADS || (rows < FEWEST_ROWS && !transposeA && !transposeB)) {
    const [left, right] = [a, b] as [tf.Tensor2D, tf.Tensor2D];
    const y = bias
      ? tf.fused.matMul({ a: left, b: right, transposeA, transposeB, bias })
      : plainProduct(left, right, transposeA, transposeB);
    return (residual ? tf.add(y, residual) : y) as tf.Tensor2D;
  }
  const y = unfilled<tf.Rank.R2>([rows, columns]);
  const scratch = unfilled([kernels.productScratch(rows, inner, columns)]);
  const [left, right] = [addressOf(a), addressOf(b)];
  const [first, second] = [bias ? addressOf(bias) : 0, residual ? addressOf(residual) : 0];
  const work = addressOf(scratch);
  kernels.product(addressOf(y), left, right, first, second, work, rows, inner, columns, transposeA, transposeB);
  return y;
}

export function matrixProductOnWasm(
  kernels: SimdKernels,
  { a, b }: Inputs,
  attributes: MatrixProductAttributes,
): tf.Tensor[] {
  return [simdProduct(kernels, a as tf.Tensor, b as tf.Tensor, attributes)];
}
