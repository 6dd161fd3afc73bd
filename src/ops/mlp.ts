/**
 * The MLP of a block with its residual path: y = residual + gelu(x W1 + b1) W2 + b2. Radford et al. 2019; GELU in tanh form.
 *
 * Shapes: x [M, C], W1 [C, F], b1 [F], W2 [F, C], b2 [C], residual [M, C]; y [M, C]. F is 4C in GPT-2.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors';
import { gelu, timesGeluSlope } from './gelu';
import { hostFloats, unfilled } from './hostValues';
import { linearParameterGradients, plainLinear } from './linear';
import { matrixProduct, plainProduct } from './matrixProduct';
import { mlpInnerGradientOnWasm, mlpOnWasm } from './mlp.wasm';
import { registerGradient, registerReference, registerWasm, runOperation } from './operation';

/** Inputs x, w1, b1, w2, b2, residual; outputs y, and where it is differentiated inner = gelu(pre), pre = x W1 + b1 [M, F]. */
export const MLP = 'NudgeMlp';
/** Inputs dy, w2, pre; output dPre = (dy W2') gelu'(pre) [M, F]. */
export const MLP_INNER_GRADIENT = 'NudgeMlpInnerGradient';

export interface MlpAttributes {
  /** Whether inner and pre are outputs too, for the gradient. */
  keepInner: boolean;
}

/**
 * residual + gelu(x W1 + b1) W2 + b2.
 * @throws ShapeError where the weights do not fit x or each other
 */
export function mlp(
  x: tf.Tensor2D,
  w1: tf.Tensor2D,
  b1: tf.Tensor1D,
  w2: tf.Tensor2D,
  b2: tf.Tensor1D,
  residual: tf.Tensor2D,
): tf.Tensor2D {
  const [outer, inner] = [`[${x.shape[1]}, F]`, `[F, ${residual.shape[1]}]`];
  if (x.shape[1] !== w1.shape[0] || w1.shape[1] !== w2.shape[0] || w2.shape[1] !== residual.shape[1]) {
    throw new ShapeError(
      'mlp',
      `weights of ${outer} and ${inner}`,
      `[${w1.shape.join(', ')}] and [${w2.shape.join(', ')}]`,
    );
  }
  const attributes: MlpAttributes = { keepInner: tf.engine().isTapeOn() };
  return runOperation(MLP, { x, w1, b1, w2, b2, residual }, attributes)[0] as tf.Tensor2D;
}

type MlpInputs = Record<'x' | 'w1' | 'b1' | 'w2' | 'b2' | 'residual', tf.Tensor>;

registerReference<MlpAttributes>(MLP, (inputs, { keepInner }) => {
  const { x, w1, b1, w2, b2, residual } = inputs as MlpInputs;
  const pre = plainLinear(x, w1, b1);
  const inner = unfilled<tf.Rank.R2>(pre.shape);
  gelu(hostFloats(inner), hostFloats(pre));
  const y = tf.add(plainLinear(inner, w2, b2), residual);
  return keepInner ? [y, inner, pre] : [y];
});

registerReference(MLP_INNER_GRADIENT, (inputs) => {
  const { dy, w2, pre } = inputs as Record<'dy' | 'w2' | 'pre', tf.Tensor>;
  const dPre = plainProduct(dy, w2, false, true);
  timesGeluSlope(hostFloats(dPre), hostFloats(pre));
  return [dPre];
});

registerWasm(MLP, mlpOnWasm);
registerWasm(MLP_INNER_GRADIENT, mlpInnerGradientOnWasm);

registerGradient(
  MLP,
  { inputs: ['x', 'w1', 'b1', 'w2', 'b2'], outputs: [false, true, true] },
  ([dy], [x, w1, b1, w2, b2, inner, pre]) => {
    const g = dy as tf.Tensor2D;
    const dPre = runOperation(MLP_INNER_GRADIENT, { dy: g, w2, pre } as Record<string, tf.Tensor>)[0] as tf.Tensor2D;
    const [dW2, dB2] = linearParameterGradients(inner as tf.Tensor, g, w2 as tf.Tensor, b2 as tf.Tensor);
    const [dW1, dB1] = linearParameterGradients(x as tf.Tensor, dPre, w1 as tf.Tensor, b1 as tf.Tensor);
    const dx = matrixProduct(dPre, w1 as tf.Tensor2D, { transposeB: true });
    dPre.dispose();
    return {
      x: () => dx,
      w1: () => dW1,
      b1: () => dB1,
      w2: () => dW2,
      b2: () => dB2,
      // The same numbers in a tensor of their own, since tfjs disposes of gradients one by one.
      residual: () => tf.reshape(g, g.shape),
    };
  },
);
