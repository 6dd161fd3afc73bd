/**
 * GELU in the tanh form of GPT-2: y = x/2 (1 + tanh u), u = sqrt(2/pi) (x + 0.044715 x^3).
 * Since (1 + tanh u)/2 = sigmoid(2u), y = x sigmoid(2u). Hendrycks & Gimpel 2016, section 2.
 */
import * as tf from '@tensorflow/tfjs-core';
import { registerGradient, registerReference, runOperation } from './operation';

export const GELU = 'NudgeGelu';
export const GELU_BACKWARD = 'NudgeGeluBackward';

const ROOT_8_OVER_PI = 2 * Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** Any shape, float32. */
export function gelu<T extends tf.Tensor>(x: T): T {
  return runOperation(GELU, { x })[0] as T;
}

const gate = (x: tf.Tensor, xx: tf.Tensor): tf.Tensor =>
  tf.sigmoid(tf.mul(x, tf.add(tf.mul(xx, ROOT_8_OVER_PI * CUBIC), ROOT_8_OVER_PI)));

registerReference(GELU, ({ x }) => [tf.mul(x as tf.Tensor, gate(x as tf.Tensor, tf.square(x as tf.Tensor)))]);

// dy/dx = s + x s (1 - s) 2u', with s = sigmoid(2u) and 2u' = sqrt(8/pi) (1 + 3 * 0.044715 x^2)
registerReference(GELU_BACKWARD, (inputs) => {
  const { x, dy } = inputs as { x: tf.Tensor; dy: tf.Tensor };
  const xx = tf.square(x);
  const s = gate(x, xx);
  const slope = tf.add(tf.mul(xx, 3 * CUBIC * ROOT_8_OVER_PI), ROOT_8_OVER_PI);
  const inner = tf.mul(tf.mul(x, slope), tf.sub(1, s));
  return [tf.mul(dy, tf.mul(s, tf.add(inner, 1)))];
});

registerGradient(GELU, { inputs: ['x'], outputs: [] }, ([dy], [x]) => ({
  x: () => runOperation(GELU_BACKWARD, { x: x as tf.Tensor, dy: dy as tf.Tensor })[0] as tf.Tensor,
}));
