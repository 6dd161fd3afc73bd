/**
 * Matrix products: forward y = x W + b, and the two products of its backward pass.
 *
 * Shapes: a is [M, K] (or [K, M] when transposeA), b is [K, N] (or [N, K] when transposeB), bias is [N]; y is [M, N].
 */
import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors';
import { registerGradient, registerReference, runOperation, type Inputs } from './operation';

export const MATRIX_PRODUCT = 'NudgeMatrixProduct';
export const COLUMN_SUM = 'NudgeColumnSum';

export interface MatrixProductAttributes {
  transposeA: boolean;
  transposeB: boolean;
  /** Whether there is a third input, bias. */
  biased: boolean;
}

/**
 * y = op(a) op(b) + bias, where op transposes if asked to.
 * @param a [M, K] or [K, M], float32
 * @param b [K, N] or [N, K], float32
 * @param bias [N], added to every row
 * @returns [M, N]; the caller disposes it
 * @throws ShapeError where the inner sizes differ
 */
export function matrixProduct(
  a: tf.Tensor2D,
  b: tf.Tensor2D,
  {
    transposeA = false,
    transposeB = false,
    bias,
  }: { transposeA?: boolean; transposeB?: boolean; bias?: tf.Tensor1D } = {},
): tf.Tensor2D {
  const innerA = transposeA ? a.shape[0] : a.shape[1];
  const innerB = transposeB ? b.shape[1] : b.shape[0];
  if (innerA !== innerB) throw new ShapeError('matrixProduct', `${innerA} rows in the right operand`, `${innerB}`);
  const inputs: Inputs = bias ? { a, b, bias } : { a, b };
  const attributes: MatrixProductAttributes = { transposeA, transposeB, biased: bias !== undefined };
  return runOperation(MATRIX_PRODUCT, inputs, attributes)[0] as tf.Tensor2D;
}

/** y = x W + b for x [M, K], W [K, N], b [N]. */
export const linear = (x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D =>
  matrixProduct(x, weight, { bias });

/** Sum over rows: x [M, N] to [N]. The gradient of a bias. */
export function columnSum(x: tf.Tensor2D): tf.Tensor1D {
  return runOperation(COLUMN_SUM, { x })[0] as tf.Tensor1D;
}

registerReference<MatrixProductAttributes>(MATRIX_PRODUCT, ({ a, b, bias }, { transposeA, transposeB }) => {
  // XNNPACK is 15 times faster on plain operands than on transposed ones, so transposing first is nearly free.
  const left = transposeA ? tf.transpose(a as tf.Tensor2D) : (a as tf.Tensor2D);
  const right = transposeB ? tf.transpose(b as tf.Tensor2D) : (b as tf.Tensor2D);
  const y = tf.matMul(left, right);
  return [bias ? tf.add(y, bias) : y];
});

registerReference(COLUMN_SUM, ({ x }) => [tf.sum(x as tf.Tensor2D, 0)]);

registerGradient<MatrixProductAttributes>(
  MATRIX_PRODUCT,
  { inputs: ['a', 'b'], outputs: [] },
  ([dy], [a, b], { transposeA, transposeB, biased }) => {
    if (transposeA) throw new ShapeError('matrixProduct gradient', 'a plain left operand', 'a transposed one');
    const [g, left, right] = [dy, a, b] as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
    const gradients: Record<string, () => tf.Tensor> = {
      // y = a b: da = dy b', db = a' dy.   y = a b': da = dy b, db = dy' a.
      a: () => matrixProduct(g, right, { transposeB: !transposeB }),
      b: () =>
        transposeB ? matrixProduct(g, left, { transposeA: true }) : matrixProduct(left, g, { transposeA: true }),
    };
    if (biased) gradients['bias'] = () => columnSum(g);
    return gradients;
  },
);
