/**
 * Layer norm and its gradient; src/ops/layerNorm.ts has formulas and shapes. Sums over a row are float32 in eight
 * partial sums, means float64; sums over rows are float32 in blocks of BLOCK rows. To 2e-6 of the largest number.
 */
import { bytes, clear, multiplyAdd, sumOf, wholeBytes } from './vector';

/** Rows whose share of dgamma and dbeta is summed by itself, so that no sum has many terms. */
const BLOCK: i32 = 32;

/** The sum of (x - centre)^power over a row, for power 1 or 2. */
/* @inline */ function sumAround(x: usize, width: i32, centre: f32, squared: bool): f64 {
  const end = x + bytes(width);
  const whole = x + wholeBytes(width);
  const pairs = x + bytes(width & ~7);
  const middle = f32x4.splat(centre);
  let even = f32x4.splat(0);
  let odd = f32x4.splat(0);
  for (; x < pairs; x += 32) {
    const first = f32x4.sub(v128.load(x), middle);
    const second = f32x4.sub(v128.load(x, 16), middle);
    even = squared ? multiplyAdd(first, first, even) : f32x4.add(even, first);
    odd = squared ? multiplyAdd(second, second, odd) : f32x4.add(odd, second);
  }
  for (; x < whole; x += 16) {
    const first = f32x4.sub(v128.load(x), middle);
    even = squared ? multiplyAdd(first, first, even) : f32x4.add(even, first);
  }
  let sum = sumOf(f32x4.add(even, odd)) as f64;
  for (; x < end; x += 4) {
    const first = (load<f32>(x) - centre) as f64;
    sum += squared ? first * first : first;
  }
  return sum;
}

/** y [rows, width], statistics [rows, 2] from x [rows, width] and gamma, beta [width]. */
export function layerNorm(
  y: usize,
  statistics: usize,
  x: usize,
  gamma: usize,
  beta: usize,
  rows: i32,
  width: i32,
  epsilon: f64,
): void {
  const wholeWidth = wholeBytes(width);
  const rowBytes = bytes(width);
  for (let row = 0; row < rows; row++) {
    // The second sum takes off what the rounding of the first left.
    const near = (sumAround(x, width, 0, false) / (width as f64)) as f32;
    const mean = ((near as f64) + sumAround(x, width, near, false) / (width as f64)) as f32;
    const rstd = (1 / sqrt<f64>(sumAround(x, width, mean, true) / (width as f64) + epsilon)) as f32;
    const means = f32x4.splat(mean);
    const rstds = f32x4.splat(rstd);
    let c: usize = 0;
    for (; c < wholeWidth; c += 16) {
      const n = f32x4.mul(f32x4.sub(v128.load(x + c), means), rstds);
      v128.store(y + c, multiplyAdd(n, v128.load(gamma + c), v128.load(beta + c)));
    }
    for (; c < rowBytes; c += 4) {
      store<f32>(y + c, (load<f32>(x + c) - mean) * rstd * load<f32>(gamma + c) + load<f32>(beta + c));
    }
    store<f32>(statistics, mean);
    store<f32>(statistics, rstd, 4);
    statistics += 8;
    x += rowBytes;
    y += rowBytes;
  }
}

/** to += from, then from = 0. */
function carryOver(to: usize, from: usize, width: i32): void {
  const end = to + bytes(width);
  const whole = to + wholeBytes(width);
  for (; to < whole; to += 16, from += 16) {
    v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
    v128.store(from, f32x4.splat(0));
  }
  for (; to < end; to += 4, from += 4) {
    store<f32>(to, load<f32>(to) + load<f32>(from));
    store<f32>(from, 0);
  }
}

/**
 * dx [rows, width], dgamma, dbeta [width].
 * @param dPassed [rows, width], what comes to dx; 0 where nothing does
 * @param scratch 2 * width numbers
 */
export function layerNormBackward(
  dx: usize,
  dgamma: usize,
  dbeta: usize,
  x: usize,
  gamma: usize,
  statistics: usize,
  dy: usize,
  dPassed: usize,
  scratch: usize,
  rows: i32,
  width: i32,
): void {
  const wholeWidth = wholeBytes(width);
  const rowBytes = bytes(width);
  const gammaBlock = scratch;
  const betaBlock = scratch + rowBytes;
  clear(dgamma, width);
  clear(dbeta, width);
  clear(scratch, 2 * width);
  for (let row = 0; row < rows; row++) {
    const mean = load<f32>(statistics);
    const rstd = load<f32>(statistics, 4);
    const means = f32x4.splat(mean);
    const rstds = f32x4.splat(rstd);
    let totals = f32x4.splat(0);
    let alongs = f32x4.splat(0);
    let c: usize = 0;
    for (; c < wholeWidth; c += 16) {
      const n = f32x4.mul(f32x4.sub(v128.load(x + c), means), rstds);
      const gradient = v128.load(dy + c);
      const g = f32x4.mul(gradient, v128.load(gamma + c));
      totals = f32x4.add(totals, g);
      alongs = multiplyAdd(g, n, alongs);
      v128.store(gammaBlock + c, multiplyAdd(gradient, n, v128.load(gammaBlock + c)));
      v128.store(betaBlock + c, f32x4.add(gradient, v128.load(betaBlock + c)));
    }
    let total = sumOf(totals);
    let along = sumOf(alongs);
    for (; c < rowBytes; c += 4) {
      const n = (load<f32>(x + c) - mean) * rstd;
      const gradient = load<f32>(dy + c);
      const g = gradient * load<f32>(gamma + c);
      total += g;
      along += g * n;
      store<f32>(gammaBlock + c, load<f32>(gammaBlock + c) + gradient * n);
      store<f32>(betaBlock + c, load<f32>(betaBlock + c) + gradient);
    }
    total /= width as f32;
    along /= width as f32;
    const meanTotal = f32x4.splat(total);
    const meanAlong = f32x4.splat(along);
    for (c = 0; c < wholeWidth; c += 16) {
      const n = f32x4.mul(f32x4.sub(v128.load(x + c), means), rstds);
      const g = f32x4.sub(f32x4.mul(v128.load(dy + c), v128.load(gamma + c)), meanTotal);
      const own = f32x4.mul(f32x4.sub(g, f32x4.mul(n, meanAlong)), rstds);
      v128.store(dx + c, dPassed ? f32x4.add(own, v128.load(dPassed + c)) : own);
    }
    for (; c < rowBytes; c += 4) {
      const n = (load<f32>(x + c) - mean) * rstd;
      const own = (load<f32>(dy + c) * load<f32>(gamma + c) - total - n * along) * rstd;
      store<f32>(dx + c, dPassed ? own + load<f32>(dPassed + c) : own);
    }
    if (row % BLOCK === BLOCK - 1 || row === rows - 1) {
      carryOver(dgamma, gammaBlock, width);
      carryOver(dbeta, betaBlock, width);
    }
    statistics += 8;
    x += rowBytes;
    dy += rowBytes;
    dx += rowBytes;
    if (dPassed) dPassed += rowBytes;
  }
}
