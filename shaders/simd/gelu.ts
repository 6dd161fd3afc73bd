/**
 * GELU in the tanh form of GPT-2 and its slope, of `count` numbers; src/ops/gelu.ts has the formulas.
 *
 * y = x s with s = sigmoid(2u) = 1 / (1 + exp(-2u)), 2u = sqrt(8/pi) x (1 + 0.044715 x²). To 4e-7 of the reference's
 * largest numbers: exp4's error, and one rounding a step.
 */
import { bytes, exp4, multiplyAdd, wholeBytes } from './vector';

/** 0.044715 x² */
/* @inline */ function cubicSquareOf(x: v128): v128 {
  return f32x4.mul(f32x4.mul(x, x), f32x4.splat(0.044715));
}

/** exp(-2u) */
/* @inline */ function expOfMinus2u(x: v128, cubicSquare: v128): v128 {
  return exp4(f32x4.mul(f32x4.mul(x, f32x4.splat(-1.5957691216057308)), f32x4.add(f32x4.splat(1), cubicSquare)));
}

/* @inline */ export function geluOf(x: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1), expOfMinus2u(x, cubicSquareOf(x))));
}

/** s (1 + x (1 - s) 2u'), with 2u' = sqrt(8/pi) (1 + 3 * 0.044715 x²). */
/* @inline */ function slopeOf(x: v128): v128 {
  const one = f32x4.splat(1);
  const square = cubicSquareOf(x);
  const e = expOfMinus2u(x, square);
  const s = f32x4.div(one, f32x4.add(one, e));
  const rest = f32x4.mul(e, s); // 1 - s, which loses nothing where s is close to 1
  const steepness = multiplyAdd(square, f32x4.splat(4.787307364817192), f32x4.splat(1.5957691216057308));
  return f32x4.mul(s, multiplyAdd(f32x4.mul(x, rest), steepness, one));
}

/** y = gelu(x). */
export function gelu(y: usize, x: usize, count: i32): void {
  const end = x + bytes(count);
  const whole = x + wholeBytes(count);
  for (; x < whole; x += 16, y += 16) v128.store(y, geluOf(v128.load(x)));
  for (; x < end; x += 4, y += 4) v128.store_lane<f32>(y, geluOf(v128.load32_zero(x)), 0);
}

/** dx *= gelu'(x). */
export function timesGeluSlope(dx: usize, x: usize, count: i32): void {
  const end = x + bytes(count);
  const whole = x + wholeBytes(count);
  for (; x < whole; x += 16, dx += 16) v128.store(dx, f32x4.mul(v128.load(dx), slopeOf(v128.load(x))));
  for (; x < end; x += 4, dx += 4) {
    v128.store_lane<f32>(dx, f32x4.mul(v128.load32_zero(dx), slopeOf(v128.load32_zero(x))), 0);
  }
}
