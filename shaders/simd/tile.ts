/**
 * What every product is made of: packed operands, and a tile of 4 × 8 sums that stays in registers.
 *
 * A left operand is packed in panels of four lanes (its rows), a right one in strips of eight (its columns); in both the
 * lanes of a step lie side by side, and a panel or a strip ends after its last step. Lanes that are missing are 0.
 */
import { bytes, multiplyAdd } from './vector';

/** Numbers of a tile at the edge, which is computed whole and copied in part. */
export const EDGE: i32 = 32;

/** The next whole number of panels. */
/* @inline */ export function paddedLeft(lanes: i32): i32 {
  return (lanes + 3) & ~3;
}

/** The next whole number of strips. */
/* @inline */ export function paddedRight(lanes: i32): i32 {
  return (lanes + 7) & ~7;
}

/** Four rows, of which number k comes from row k of the four. */
/* @inline */ export function storeTransposed(
  to: usize,
  toStride: usize,
  r0: v128,
  r1: v128,
  r2: v128,
  r3: v128,
): void {
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(to + toStride, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(to + 2 * toStride, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(to + 3 * toStride, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}

/** Up to four lanes: lane l of step k is at x + l laneStride + k stepStride and comes to to + k toStride + 4 l. */
function packFour(
  to: usize,
  toStride: usize,
  x: usize,
  laneStride: usize,
  stepStride: usize,
  lanes: i32,
  steps: i32,
): void {
  let k = 0;
  if (lanes === 4 && laneStride === 4) {
    for (; k < steps; k++, to += toStride, x += stepStride) v128.store(to, v128.load(x));
  } else if (lanes === 4 && stepStride === 4) {
    for (; k < (steps & ~3); k += 4, to += 4 * toStride, x += 16) {
      const third = x + 2 * laneStride;
      const fourth = third + laneStride;
      storeTransposed(to, toStride, v128.load(x), v128.load(x + laneStride), v128.load(third), v128.load(fourth));
    }
  }
  for (; k < steps; k++, to += toStride, x += stepStride) {
    for (let lane = 0; lane < 4; lane++) {
      store<f32>(to + bytes(lane), lane < lanes ? load<f32>(x + laneStride * lane) : 0);
    }
  }
}

/** Sixteen lanes side by side, which are a line of the cache, in four places. */
/* @inline */ function packLine(
  to: usize,
  toStride: usize,
  second: usize,
  third: usize,
  fourth: usize,
  x: usize,
  stepStride: usize,
  steps: i32,
): void {
  for (let k = 0; k < steps; k++, to += toStride, x += stepStride) {
    v128.store(to, v128.load(x));
    v128.store(to + second, v128.load(x, 16));
    v128.store(to + third, v128.load(x, 32));
    v128.store(to + fourth, v128.load(x, 48));
  }
}

/** Packs a left operand: lane l of step k is at x + l laneStride + k stepStride, where one of the strides is 4. */
export function packLeft(to: usize, x: usize, laneStride: usize, stepStride: usize, lanes: i32, steps: i32): void {
  const panel = bytes(4 * steps);
  let lane = 0;
  if (laneStride === 4) {
    for (; lane + 16 <= lanes; lane += 16, to += 4 * panel, x += 64) {
      packLine(to, 16, panel, 2 * panel, 3 * panel, x, stepStride, steps);
    }
  }
  for (; lane < lanes; lane += 4, to += panel, x += 4 * laneStride) {
    packFour(to, 16, x, laneStride, stepStride, min(4, lanes - lane), steps);
  }
}

/** Packs a right operand likewise. */
export function packRight(to: usize, x: usize, laneStride: usize, stepStride: usize, lanes: i32, steps: i32): void {
  const strip = bytes(8 * steps);
  let lane = 0;
  if (laneStride === 4) {
    for (; lane + 16 <= lanes; lane += 16, to += 2 * strip, x += 64) {
      packLine(to, 32, 16, strip, strip + 16, x, stepStride, steps);
    }
  }
  for (; lane < lanes; lane += 8, to += strip, x += 8 * laneStride) {
    packFour(to, 32, x, laneStride, stepStride, min(4, lanes - lane), steps);
    packFour(to + 16, 32, x + 4 * laneStride, laneStride, stepStride, max(0, min(4, lanes - lane - 4)), steps);
  }
}

/**
 * y [4, 8] = a b, or y += a b.
 * @param stride bytes from a row of y to the next
 * @param a a panel, from its first step
 * @param b a strip, from its first step
 */
export function wholeTile(y: usize, stride: usize, a: usize, b: usize, steps: i32, add: bool): void {
  const second = y + stride;
  const third = y + 2 * stride;
  const fourth = third + stride;
  let y00 = f32x4.splat(0);
  let y01 = f32x4.splat(0);
  let y10 = f32x4.splat(0);
  let y11 = f32x4.splat(0);
  let y20 = f32x4.splat(0);
  let y21 = f32x4.splat(0);
  let y30 = f32x4.splat(0);
  let y31 = f32x4.splat(0);
  const end = a + bytes(4 * steps);
  for (; a < end; a += 16, b += 32) {
    const left = v128.load(b);
    const right = v128.load(b, 16);
    const x0 = v128.load32_splat(a);
    y00 = multiplyAdd(x0, left, y00);
    y01 = multiplyAdd(x0, right, y01);
    const x1 = v128.load32_splat(a, 4);
    y10 = multiplyAdd(x1, left, y10);
    y11 = multiplyAdd(x1, right, y11);
    const x2 = v128.load32_splat(a, 8);
    y20 = multiplyAdd(x2, left, y20);
    y21 = multiplyAdd(x2, right, y21);
    const x3 = v128.load32_splat(a, 12);
    y30 = multiplyAdd(x3, left, y30);
    y31 = multiplyAdd(x3, right, y31);
  }
  if (add) {
    y00 = f32x4.add(y00, v128.load(y));
    y01 = f32x4.add(y01, v128.load(y, 16));
    y10 = f32x4.add(y10, v128.load(second));
    y11 = f32x4.add(y11, v128.load(second, 16));
    y20 = f32x4.add(y20, v128.load(third));
    y21 = f32x4.add(y21, v128.load(third, 16));
    y30 = f32x4.add(y30, v128.load(fourth));
    y31 = f32x4.add(y31, v128.load(fourth, 16));
  }
  v128.store(y, y00);
  v128.store(y, y01, 16);
  v128.store(second, y10);
  v128.store(second, y11, 16);
  v128.store(third, y20);
  v128.store(third, y21, 16);
  v128.store(fourth, y30);
  v128.store(fourth, y31, 16);
}

/**
 * The same, of which only `height` rows and `width` columns are written.
 * @param edge EDGE numbers of scratch memory
 */
export function tile(
  y: usize,
  stride: usize,
  a: usize,
  b: usize,
  steps: i32,
  add: bool,
  height: i32,
  width: i32,
  edge: usize,
): void {
  if (height >= 4 && width >= 8) {
    wholeTile(y, stride, a, b, steps, add);
    return;
  }
  wholeTile(edge, 32, a, b, steps, false);
  for (let i = 0; i < min(height, 4); i++) {
    for (let j = 0; j < min(width, 8); j++) {
      const to = y + stride * i + bytes(j);
      const sum = load<f32>(edge + bytes(8 * i + j));
      store<f32>(to, add ? load<f32>(to) + sum : sum);
    }
  }
}
