/**
 * GELU in the tanh form of GPT-2, in plain tfjs: y = x/2 (1 + tanh u), u = sqrt(2/pi) (x + 0.044715 x^3).
 * Since (1 + tanh u)/2 = sigmoid(2u), y = x sigmoid(2u). Hendrycks & Gimpel 2016, section 2.
 *
 * The model has it only inside an MLP, whose kernels apply it in their stride (shaders/gelu.wgsl).
 */
import * as tf from '@tensorflow/tfjs-core';

const ROOT_8_OVER_PI = 2 * Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

const gate = (x: tf.Tensor, xx: tf.Tensor): tf.Tensor =>
  tf.sigmoid(tf.mul(x, tf.add(tf.mul(xx, ROOT_8_OVER_PI * CUBIC), ROOT_8_OVER_PI)));

/** Any shape, float32. */
export function plainGelu(x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.mul(x, gate(x, tf.square(x))));
}

/** dy/dx = s + x s (1 - s) 2u', with s = sigmoid(2u) and 2u' = sqrt(8/pi) (1 + 3 * 0.044715 x^2). */
export function plainGeluSlope(x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const xx = tf.square(x);
    const s = gate(x, xx);
    const slope = tf.add(tf.mul(xx, 3 * CUBIC * ROOT_8_OVER_PI), ROOT_8_OVER_PI);
    const inner = tf.mul(tf.mul(x, slope), tf.sub(1, s));
    return tf.mul(s, tf.add(inner, 1));
  });
}
