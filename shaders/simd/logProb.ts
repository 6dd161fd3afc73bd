/**
 * Cross-entropy and log-probability of given tokens, and their gradients; src/ops/crossEntropy.ts and
 * src/ops/tokenLogProb.ts have formulas and shapes. The maximum is taken out first. Sums of 256 terms are float32 in
 * four lanes, sums of these float64. lse to 1e-6, gradients to 1e-6 of the largest number.
 */
import { bytes, exp1, exp4, highest, multiplyAdd, sumOf, wholeBytes } from './vector';

/** Bytes of the numbers whose sum is float32. */
const BLOCK: usize = 1024;

/** sum exp(x - most). */
function sumOfExps(x: usize, count: i32, most: f32): f64 {
  const end = x + bytes(count);
  const whole = x + wholeBytes(count);
  const shift = f32x4.splat(most);
  let total: f64 = 0;
  while (x < whole) {
    const stop = min(x + BLOCK, whole);
    let sum = f32x4.splat(0);
    for (; x < stop; x += 16) sum = f32x4.add(sum, exp4(f32x4.sub(v128.load(x), shift)));
    total += sumOf(sum) as f64;
  }
  for (; x < end; x += 4) total += exp1(load<f32>(x) - most) as f64;
  return total;
}

/**
 * loss = -sum weights log p(targets), and lse [rows].
 * @param loss one number
 * @param targets [rows], int32
 */
export function crossEntropy(
  loss: usize,
  lse: usize,
  logits: usize,
  targets: usize,
  weights: usize,
  rows: i32,
  vocabulary: i32,
): void {
  let sum: f64 = 0;
  for (let row = 0; row < rows; row++) {
    const most = highest(logits, vocabulary);
    const normaliser = JSMath.log(sumOfExps(logits, vocabulary, most)) + (most as f64);
    const target = load<f32>(logits + bytes(load<i32>(targets + bytes(row))));
    sum += (load<f32>(weights + bytes(row)) as f64) * (normaliser - (target as f64));
    store<f32>(lse + bytes(row), normaliser as f32);
    logits += bytes(vocabulary);
  }
  store<f32>(loss, sum as f32);
}

/** dlogits = weights dy (p - 1[target]). */
export function crossEntropyBackward(
  dlogits: usize,
  logits: usize,
  targets: usize,
  weights: usize,
  lse: usize,
  dy: f32,
  rows: i32,
  vocabulary: i32,
): void {
  for (let row = 0; row < rows; row++) {
    const factor = load<f32>(weights + bytes(row)) * dy;
    const normaliser = load<f32>(lse + bytes(row));
    const factors = f32x4.splat(factor);
    const normalisers = f32x4.splat(normaliser);
    const target = dlogits + bytes(load<i32>(targets + bytes(row)));
    const end = logits + bytes(vocabulary);
    const whole = logits + wholeBytes(vocabulary);
    for (; logits < whole; logits += 16, dlogits += 16) {
      v128.store(dlogits, f32x4.mul(factors, exp4(f32x4.sub(v128.load(logits), normalisers))));
    }
    for (; logits < end; logits += 4, dlogits += 4) {
      store<f32>(dlogits, factor * exp1(load<f32>(logits) - normaliser));
    }
    store<f32>(target, load<f32>(target) - factor);
  }
}

/** logProb, entropy, lse [rows] at a temperature of 1 / scale. */
export function tokenLogProb(
  logProb: usize,
  entropy: usize,
  lse: usize,
  logits: usize,
  targets: usize,
  scale: f32,
  rows: i32,
  vocabulary: i32,
): void {
  const scales = f32x4.splat(scale);
  for (let row = 0; row < rows; row++) {
    const most = highest(logits, vocabulary);
    const shift = f32x4.splat(most);
    const target = (load<f32>(logits + bytes(load<i32>(targets + bytes(row)))) - most) * scale;
    const end = logits + bytes(vocabulary);
    const whole = logits + wholeBytes(vocabulary);
    let total: f64 = 0;
    let weighted: f64 = 0;
    while (logits < whole) {
      const stop = min(logits + BLOCK, whole);
      let sum = f32x4.splat(0);
      let weightedSum = f32x4.splat(0);
      for (; logits < stop; logits += 16) {
        const shifted = f32x4.mul(f32x4.sub(v128.load(logits), shift), scales);
        const weight = exp4(shifted);
        sum = f32x4.add(sum, weight);
        weightedSum = multiplyAdd(weight, shifted, weightedSum);
      }
      total += sumOf(sum) as f64;
      weighted += sumOf(weightedSum) as f64;
    }
    for (; logits < end; logits += 4) {
      const shifted = (load<f32>(logits) - most) * scale;
      const weight = exp1(shifted);
      total += weight as f64;
      weighted += (weight * shifted) as f64;
    }
    const logTotal = JSMath.log(total);
    store<f32>(logProb + bytes(row), ((target as f64) - logTotal) as f32);
    // entropy = lse - sum p l, with the maximum taken out of both.
    store<f32>(entropy + bytes(row), (logTotal - weighted / total) as f32);
    store<f32>(lse + bytes(row), (logTotal + ((most * scale) as f64)) as f32);
  }
}

/** dlogits = (dLogProb (1[v = target] - p) - dEntropy p (log p + entropy)) / T */
export function tokenLogProbBackward(
  dlogits: usize,
  logits: usize,
  targets: usize,
  entropy: usize,
  lse: usize,
  dLogProb: usize,
  dEntropy: usize,
  scale: f32,
  rows: i32,
  vocabulary: i32,
): void {
  const scales = f32x4.splat(scale);
  for (let row = 0; row < rows; row++) {
    const at = bytes(row);
    const fromLogProb = load<f32>(dLogProb + at) * scale;
    const fromEntropy = load<f32>(dEntropy + at) * scale;
    // -p (fromLogProb + fromEntropy (log p + entropy)) = p (slope log p + rest)
    const normaliser = load<f32>(lse + at);
    const rest = -(fromLogProb + fromEntropy * load<f32>(entropy + at));
    const slope = f32x4.splat(-fromEntropy);
    const rests = f32x4.splat(rest);
    const normalisers = f32x4.splat(normaliser);
    const target = dlogits + bytes(load<i32>(targets + at));
    const end = logits + bytes(vocabulary);
    const whole = logits + wholeBytes(vocabulary);
    for (; logits < whole; logits += 16, dlogits += 16) {
      const logP = f32x4.sub(f32x4.mul(v128.load(logits), scales), normalisers);
      v128.store(dlogits, f32x4.mul(exp4(logP), multiplyAdd(slope, logP, rests)));
    }
    for (; logits < end; logits += 4, dlogits += 4) {
      const logP = load<f32>(logits) * scale - normaliser;
      store<f32>(dlogits, exp1(logP) * (rest - fromEntropy * logP));
    }
    store<f32>(target, load<f32>(target) + fromLogProb);
  }
}
