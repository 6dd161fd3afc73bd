/**
 * Matrix products, and the two products of their backward pass.
 *
 * Shapes: a is [M, K] (or [K, M] when transposeA), b is [K, N] (or [N, K] when transposeB); the product is [M, N].
 */
import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors';
import { hostFloats, unfilled } from './hostValues';
import { registerGradient, registerReference, runOperation, type Inputs } from './operation';

/** Inputs a, b, and gradientOf where the product is the whole gradient of that parameter. */
export const MATRIX_PRODUCT = 'NudgeMatrixProduct';

export interface MatrixProductAttributes {
  transposeA: boolean;
  transposeB: boolean;
}

interface MatrixProductOptions {
  transposeA?: boolean;
  transposeB?: boolean;
  /** The parameter whose whole gradient the product is, so that a kernel can put it where an optimiser wants it. */
  gradientOf?: tf.Tensor2D;
}

/**
 * op(a) op(b), where op transposes if asked to.
 * @param a [M, K] or [K, M], float32
 * @param b [K, N] or [N, K], float32
 * @returns [M, N]; the caller disposes it
 * @throws ShapeError where the inner sizes differ
 */
export function matrixProduct(
  a: tf.Tensor2D,
  b: tf.Tensor2D,
  { transposeA = false, transposeB = false, gradientOf }: MatrixProductOptions = {},
): tf.Tensor2D {
  const innerA = transposeA ? a.shape[0] : a.shape[1];
  const innerB = transposeB ? b.shape[1] : b.shape[0];
  if (innerA !== innerB) throw new ShapeError('matrixProduct', `${innerA} rows in the right operand`, `${innerB}`);
  const inputs: Inputs = gradientOf ? { a, b, gradientOf } : { a, b };
  const attributes: MatrixProductAttributes = { transposeA, transposeB };
  return runOperation(MATRIX_PRODUCT, inputs, attributes)[0] as tf.Tensor2D;
}

/** op(a) op(b) in plain tfjs. */
export function plainProduct(a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor2D {
  // XNNPACK is 15 times faster on plain operands than on transposed ones, so transposing first is nearly free.
  const [left, right] = [transposeA ? transposed(a as tf.Tensor2D) : a, transposeB ? transposed(b as tf.Tensor2D) : b];
  return tf.matMul(left as tf.Tensor2D, right as tf.Tensor2D);
}

/** Rows and columns of a block that is transposed at a time, so that both its sides stay in the first cache. */
const BLOCK = 16;

/** [M, N] to [N, M], three times as fast as tfjs-wasm does it. */
function transposed(x: tf.Tensor2D): tf.Tensor2D {
  const [rows, columns] = x.shape;
  const output = unfilled<tf.Rank.R2>([columns, rows]);
  const [y, values] = [hostFloats(output), hostFloats(x)];
  for (let top = 0; top < rows; top += BLOCK) {
    const bottom = Math.min(top + BLOCK, rows);
    for (let left = 0; left < columns; left += BLOCK) {
      const right = Math.min(left + BLOCK, columns);
      for (let c = left; c < right; c++) {
        const to = c * rows;
        for (let row = top; row < bottom; row++) y[to + row] = values[row * columns + c]!;
      }
    }
  }
  return output;
}

registerReference<MatrixProductAttributes>(MATRIX_PRODUCT, ({ a, b }, { transposeA, transposeB }) => [
  plainProduct(a as tf.Tensor, b as tf.Tensor, transposeA, transposeB),
]);

registerGradient<MatrixProductAttributes>(
  MATRIX_PRODUCT,
  { inputs: ['a', 'b'], outputs: [] },
  ([dy], [a, b], { transposeA, transposeB }) => {
    if (transposeA) throw new ShapeError('matrixProduct gradient', 'a plain left operand', 'a transposed one');
    const [g, left, right] = [dy, a, b] as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
    const options = { transposeA: true, gradientOf: right };
    return {
      // y = a b: da = dy b', db = a' dy.   y = a b': da = dy b, db = dy' a.
      a: () => matrixProduct(g, right, { transposeB: !transposeB }),
      b: () => (transposeB ? matrixProduct(g, left, options) : matrixProduct(left, g, options)),
    };
  },
);
