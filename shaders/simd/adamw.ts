/**
 * AdamW's step and the sum of squares for clipping; src/ops/adamwUpdate.ts has the formulas. To 1e-6 of the largest
 * number: one rounding a step, in float32.
 */
import { bytes, multiplyAdd, sumOf, wholeBytes } from './vector';

/** Bytes of the numbers whose sum is float32; sums of these are float64. */
const BLOCK: usize = 4096;

/** The sum of squares of `count` numbers. */
export function sumOfSquares(x: usize, count: i32): f64 {
  const end = x + bytes(count);
  const whole = x + wholeBytes(count);
  let total: f64 = 0;
  while (x < whole) {
    const stop = min(x + BLOCK, whole);
    let sum = f32x4.splat(0);
    for (; x < stop; x += 16) {
      const values = v128.load(x);
      sum = multiplyAdd(values, values, sum);
    }
    total += sumOf(sum) as f64;
  }
  for (; x < end; x += 4) {
    const value = load<f32>(x) as f64;
    total += value * value;
  }
  return total;
}

/**
 * m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g²,  next = keep p - rate m / (sqrt v + epsilon), where g is
 * the gradient times gradScale. m and v are overwritten.
 */
export function adamwUpdate(
  next: usize,
  parameter: usize,
  gradient: usize,
  m: usize,
  v: usize,
  count: i32,
  keep: f32,
  rate: f32,
  epsilon: f32,
  beta1: f64,
  beta2: f64,
  gradScale: f32,
): void {
  const keeps = f32x4.splat(keep);
  const rates = f32x4.splat(rate);
  const epsilons = f32x4.splat(epsilon);
  const scales = f32x4.splat(gradScale);
  const decay1 = f32x4.splat(beta1 as f32);
  const decay2 = f32x4.splat(beta2 as f32);
  // From float64: 1 - 0.999 in float32 is wrong by 1e-5 of itself.
  const share1 = f32x4.splat((1 - beta1) as f32);
  const share2 = f32x4.splat((1 - beta2) as f32);
  const wholeEnd = wholeBytes(count);
  const end = bytes(count);
  for (let i: usize = 0; i < wholeEnd; i += 16) {
    const g = f32x4.mul(v128.load(gradient + i), scales);
    const first = multiplyAdd(decay1, v128.load(m + i), f32x4.mul(share1, g));
    const second = multiplyAdd(decay2, v128.load(v + i), f32x4.mul(share2, f32x4.mul(g, g)));
    v128.store(m + i, first);
    v128.store(v + i, second);
    const change = f32x4.div(f32x4.mul(rates, first), f32x4.add(f32x4.sqrt(second), epsilons));
    v128.store(next + i, f32x4.sub(f32x4.mul(keeps, v128.load(parameter + i)), change));
  }
  for (let i = wholeEnd; i < end; i += 4) {
    const g = load<f32>(gradient + i) * gradScale;
    const first = (beta1 as f32) * load<f32>(m + i) + ((1 - beta1) as f32) * g;
    const second = (beta2 as f32) * load<f32>(v + i) + ((1 - beta2) as f32) * (g * g);
    store<f32>(m + i, first);
    store<f32>(v + i, second);
    store<f32>(next + i, keep * load<f32>(parameter + i) - (rate * first) / (sqrt<f32>(second) + epsilon));
  }
}
