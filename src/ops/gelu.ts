/**
 * GELU in the tanh form of GPT-2, on the host: y = x/2 (1 + tanh u), u = sqrt(2/pi) (x + 0.044715 x^3).
 * Since (1 + tanh u)/2 = sigmoid(2u), y = x sigmoid(2u). Hendrycks & Gimpel 2016, section 2.
 *
 * The model has it only inside an MLP, whose kernels apply it in their stride (shaders/gelu.wgsl).
 */
import { hostExp } from './hostExp';

const ROOT_8_OVER_PI = 2 * Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** y = gelu(x), of every number. */
export function gelu(y: Float32Array, x: Float32Array): void {
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    const u2 = ROOT_8_OVER_PI * value * (1 + CUBIC * value * value);
    y[i] = value / (1 + hostExp(-u2));
  }
}

/** dx *= gelu'(x), of every number: dy/dx = s + x s (1 - s) 2u', with s = sigmoid(2u), 2u' = sqrt(8/pi) (1 + 3 * 0.044715 x^2). */
export function timesGeluSlope(dx: Float32Array, x: Float32Array): void {
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    const square = CUBIC * value * value;
    const s = 1 / (1 + hostExp(-ROOT_8_OVER_PI * value * (1 + square)));
    const slope = s * (1 + value * (1 - s) * ROOT_8_OVER_PI * (1 + 3 * square));
    dx[i] = dx[i]! * slope;
  }
}
