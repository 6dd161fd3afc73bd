/**
 * Four float32 at a time: what the kernels share.
 *
 * These files are AssemblyScript (TypeScript's syntax, WebAssembly's types); tools/simdKernels.mjs compiles them. Every
 * pointer is an address in the memory of tfjs-wasm, which the module imports: it has no memory, no data and no stack of
 * its own. A function marked as inline is part of its callers.
 */

/** a b + c, rounded twice: the same on every machine, as relaxed SIMD is not. */
/* @inline */ export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c);
}

/**
 * exp of each, to 2e-7 of its value; 0 below -87.3, 2.4e38 above 88.4, NaN of NaN.
 *
 * exp x = 2^n exp r with |r| at most ln 2 / 2. Adding 1.5 * 2^23 leaves no room for a fraction, so the sum holds n, and
 * with 127 more its lowest bits are the exponent of 2^n. ln 2 is taken off in two parts. The polynomial is that of
 * XNNPACK's exp (rr2, p5).
 */
/* @inline */ export function exp4(x: v128): v128 {
  const lowest = f32x4.splat(-87.33654);
  const bounded = f32x4.pmin(f32x4.pmax(x, lowest), f32x4.splat(88.37625885009766));
  const shifted = multiplyAdd(bounded, f32x4.splat(1.4426950408889634), f32x4.splat(12583039));
  const power = i32x4.shl(shifted, 23);
  const n = f32x4.sub(shifted, f32x4.splat(12583039));
  const high = multiplyAdd(n, f32x4.splat(-0.693145751953125), bounded);
  const r = multiplyAdd(n, f32x4.splat(-1.428606765330187e-6), high);
  let p = multiplyAdd(r, f32x4.splat(0.008289290592074394), f32x4.splat(0.04189782217144966));
  p = multiplyAdd(p, r, f32x4.splat(0.16667652130126953));
  p = multiplyAdd(p, r, f32x4.splat(0.4999915063381195));
  p = multiplyAdd(p, r, f32x4.splat(0.9999997019767761));
  const result = multiplyAdd(f32x4.mul(r, power), p, power);
  return v128.andnot(result, f32x4.lt(x, lowest));
}

/** exp of one number, the same to the bit as in a vector. */
/* @inline */ export function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0);
}

/** The sum of the four, in pairs. */
/* @inline */ export function sumOf(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

/* @inline */ export function highestOf(x: v128): f32 {
  return max<f32>(
    max<f32>(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max<f32>(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/** Bytes of `count` numbers. */
/* @inline */ export function bytes(count: i32): usize {
  return (count as usize) << 2;
}

/** Bytes of the whole vectors in `count` numbers. */
/* @inline */ export function wholeBytes(count: i32): usize {
  return ((count & ~3) as usize) << 2;
}

/** `count` zeros from `to`. */
export function clear(to: usize, count: i32): void {
  const end = to + bytes(count);
  const whole = to + wholeBytes(count);
  for (; to < whole; to += 16) v128.store(to, f32x4.splat(0));
  for (; to < end; to += 4) store<f32>(to, 0);
}

/** The highest of `count` numbers, -Infinity of none. */
export function highest(x: usize, count: i32): f32 {
  const end = x + bytes(count);
  const whole = x + wholeBytes(count);
  let most = f32x4.splat(-Infinity);
  for (; x < whole; x += 16) most = f32x4.pmax(most, v128.load(x));
  let result = highestOf(most);
  for (; x < end; x += 4) result = max<f32>(result, load<f32>(x));
  return result;
}
