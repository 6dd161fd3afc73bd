/**
 * A linear layer: y = x W + b, and what it is added to on the way.
 *
 * Shapes: x [M, K], W [K, N], b [N], residual [M, N]; y [M, N].
 */
import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors';
import { hostFloats } from './hostValues';
import { linearOnWasm, linearParameterGradientsOnWasm } from './linear.wasm';
import { matrixProduct, plainProduct } from './matrixProduct';
import { registerGradient, registerReference, registerWasm, runOperation, type Inputs } from './operation';

/** Inputs x, weight, bias and, where there is one, residual; output y. */
export const LINEAR = 'NudgeLinear';
/** Inputs x, dy, and weight and bias, of which only the places count; outputs dW [K, N], db [N]. */
export const LINEAR_PARAMETER_GRADIENTS = 'NudgeLinearParameterGradients';

/**
 * x W + b, plus residual where it is given.
 * @throws ShapeError where x is not as wide as W is high
 */
export function linear(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D, residual?: tf.Tensor2D): tf.Tensor2D {
  if (x.shape[1] !== weight.shape[0]) {
    throw new ShapeError('linear', `${x.shape[1]} rows in the weight`, `${weight.shape[0]}`);
  }
  const inputs: Inputs = residual ? { x, weight, bias, residual } : { x, weight, bias };
  return runOperation(LINEAR, inputs)[0] as tf.Tensor2D;
}

/** dW = x' dy and db = the sum of dy over its rows, of a layer with these parameters. */
export function linearParameterGradients(
  x: tf.Tensor,
  dy: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
): [dWeight: tf.Tensor2D, dBias: tf.Tensor1D] {
  return runOperation(LINEAR_PARAMETER_GRADIENTS, { x, dy, weight, bias }) as [tf.Tensor2D, tf.Tensor1D];
}

/** x W + b in plain tfjs, where the product begins with the bias. */
export function plainLinear(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor2D {
  return tf.fused.matMul({ a: x as tf.Tensor2D, b: weight as tf.Tensor2D, bias }) as tf.Tensor2D;
}

registerReference(LINEAR, (inputs) => {
  const { x, weight, bias } = inputs as Record<'x' | 'weight' | 'bias', tf.Tensor>;
  const y = plainLinear(x, weight, bias);
  return [inputs['residual'] ? tf.add(y, inputs['residual']) : y];
});

registerReference(LINEAR_PARAMETER_GRADIENTS, (inputs) => {
  const { x, dy } = inputs as Record<'x' | 'dy', tf.Tensor>;
  return [plainProduct(x, dy, true), sumOfRows(dy as tf.Tensor2D)];
});

registerWasm(LINEAR, linearOnWasm);
registerWasm(LINEAR_PARAMETER_GRADIENTS, linearParameterGradientsOnWasm);

/** [M, N] to [N]. A loop, since tfjs-wasm transposes first. */
function sumOfRows(x: tf.Tensor2D): tf.Tensor1D {
  const [rows, width] = x.shape;
  const values = hostFloats(x);
  const sums = new Float64Array(width);
  const whole = rows & ~3; // four rows for one look at the sums
  for (let row = 0; row < whole; row += 4) {
    const at = row * width;
    for (let c = 0; c < width; c++) {
      const i = at + c;
      sums[c] = sums[c]! + (values[i]! + values[i + width]! + (values[i + 2 * width]! + values[i + 3 * width]!));
    }
  }
  for (let row = whole; row < rows; row++) {
    for (let c = 0; c < width; c++) sums[c] = sums[c]! + values[row * width + c]!;
  }
  return tf.tensor1d(Float32Array.from(sums));
}

registerGradient(LINEAR, { inputs: ['x', 'weight', 'bias'], outputs: [] }, ([dy], [x, weight, bias]) => {
  const g = dy as tf.Tensor2D;
  const [dWeight, dBias] = linearParameterGradients(x as tf.Tensor, g, weight as tf.Tensor, bias as tf.Tensor);
  return {
    x: () => matrixProduct(g, weight as tf.Tensor2D, { transposeB: true }),
    weight: () => dWeight,
    bias: () => dBias,
    // The same numbers in a tensor of their own, since tfjs disposes of gradients one by one.
    residual: () => tf.reshape(g, g.shape),
  };
});
