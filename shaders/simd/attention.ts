/**
 * Causal self-attention of left-padded rows, and its gradient; src/ops/causalAttention.ts has formulas and shapes.
 *
 * A head takes four queries at a time: a panel of them against the strips of keys that they see, the softmax of the four
 * rows, and the panel of weights against the values. What the mask hides is computed only where it shares a tile with
 * something seen. Sums are float32; weights, outputs and gradients to 5e-6 of the largest number.
 */
import { EDGE, packLeft, packRight, paddedRight, storeTransposed, tile } from './tile';
import { bytes, clear, exp4, highest, multiplyAdd, sumOf } from './vector';

/** Scratch memory of `attention`, in numbers. */
export function attentionScratch(length: i32, size: i32): i32 {
  const tokens = paddedRight(length);
  return EDGE + 2 * 4 * tokens + tokens * (2 * size + paddedRight(size));
}

/** Scratch memory of `attentionBackward`, in numbers. */
export function attentionBackwardScratch(length: i32, size: i32): i32 {
  const tokens = paddedRight(length);
  return EDGE + 3 * 4 * tokens + 2 * tokens * tokens + tokens * (4 * size + 3 * paddedRight(size));
}

/** Scores `from` up to `to` of a row: -Infinity, whose exp is 0. */
/* @inline */ function hide(row: usize, from: i32, to: i32): void {
  for (let j = from; j < to; j++) store<f32>(row + bytes(j), -Infinity);
}

/**
 * A row of scores becomes weights, zeros after them up to `end`, a multiple of four.
 * @returns lse
 */
function softmax(row: usize, seen: i32, end: i32, scale: f32): f32 {
  hide(row, seen, end);
  const stop = row + bytes(end);
  const most = highest(row, seen);
  const shift = f32x4.splat(most);
  const scales = f32x4.splat(scale);
  let sums = f32x4.splat(0);
  for (let at = row; at < stop; at += 16) {
    const weights = exp4(f32x4.mul(f32x4.sub(v128.load(at), shift), scales));
    sums = f32x4.add(sums, weights);
    v128.store(at, weights);
  }
  const total = sumOf(sums);
  const share = f32x4.splat(1 / total);
  for (let at = row; at < stop; at += 16) v128.store(at, f32x4.mul(v128.load(at), share));
  return most * scale + (JSMath.log(total as f64) as f32);
}

/** Four rows of `columns` numbers, a multiple of four, become a panel of a left operand. */
function packRows(panel: usize, rows: usize, rowStride: usize, columns: i32): void {
  const third = rows + 2 * rowStride;
  for (let j: usize = 0; j < bytes(columns); j += 16, panel += 64) {
    const r0 = v128.load(rows + j);
    const r1 = v128.load(rows + rowStride + j);
    storeTransposed(panel, 16, r0, r1, v128.load(third + j), v128.load(third + rowStride + j));
  }
}

/** Scores of a panel of queries and the strips of keys up to column `end`, in four rows of `scores`. */
/* @inline */ function scorePanel(
  scores: usize,
  rowStride: usize,
  queries: usize,
  keys: usize,
  size: i32,
  end: i32,
  edge: usize,
): void {
  for (let j = 0; j < end; j += 8) {
    tile(scores + bytes(j), rowStride, queries, keys + bytes(j * size), size, false, 4, 8, edge);
  }
}

/**
 * out [B, T, C] and lse [B, H, T] from qkv [B, T, 3C] and start [B].
 * @param size D = C / H
 */
export function attention(
  out: usize,
  lse: usize,
  qkv: usize,
  start: usize,
  scratch: usize,
  batch: i32,
  length: i32,
  heads: i32,
  size: i32,
): void {
  const width = heads * size;
  const outStride = bytes(width);
  const stride = 3 * outStride;
  const scale: f32 = 1 / sqrt<f32>(size as f32);
  const tokens = paddedRight(length);
  const rowStride = bytes(tokens);
  const scores = scratch + bytes(EDGE);
  const panel = scores + 4 * rowStride;
  const queries = panel + 4 * rowStride;
  const keys = queries + bytes(tokens * size);
  const values = keys + bytes(tokens * size);
  clear(out, batch * length * width);
  clear(lse, batch * heads * length);
  for (let b = 0; b < batch; b++) {
    const first = load<i32>(start + bytes(b));
    const rows = length - first;
    for (let h = 0; h < heads; h++) {
      const q = qkv + stride * (b * length + first) + bytes(h * size);
      const to = out + outStride * (b * length + first) + bytes(h * size);
      const lseTo = lse + bytes((b * heads + h) * length + first);
      packLeft(queries, q, stride, 4, rows, size);
      packRight(keys, q + outStride, stride, 4, rows, size);
      packRight(values, q + 2 * outStride, 4, stride, size, rows);
      for (let i = 0; i < rows; i += 4) {
        const height = min(4, rows - i);
        scorePanel(scores, rowStride, queries + bytes(i * size), keys, size, i + height, scratch);
        for (let r = 0; r < height; r++) {
          store<f32>(lseTo + bytes(i + r), softmax(scores + rowStride * r, i + r + 1, i + 4, scale));
        }
        packRows(panel, scores, rowStride, i + 4);
        const steps = i + height;
        for (let d = 0; d < size; d += 8) {
          const y = to + outStride * i + bytes(d);
          tile(y, outStride, panel, values + bytes(d * rows), steps, false, height, size - d, scratch);
        }
      }
    }
  }
}

/** sum_d a[d] b[d] of a head. */
function dot(a: usize, b: usize, size: i32): f32 {
  const whole = bytes(size & ~3);
  let sums = f32x4.splat(0);
  let d: usize = 0;
  for (; d < whole; d += 16) sums = multiplyAdd(v128.load(a + d), v128.load(b + d), sums);
  let sum = sumOf(sums);
  for (; d < bytes(size); d += 4) sum += load<f32>(a + d) * load<f32>(b + d);
  return sum;
}

/**
 * From scores and dp of query i: p = exp(s - lse) and ds = p (dp - carried) scale. ds replaces dp; both also go to where
 * they are the step i of panels of keys.
 * @param panels bytes from a panel to the next
 */
function scoreGradients(
  scores: usize,
  dp: usize,
  weights: usize,
  gradients: usize,
  panels: usize,
  i: i32,
  end: i32,
  scale: f32,
  lse: f32,
  carried: f32,
): void {
  hide(scores, i + 1, end);
  const scales = f32x4.splat(scale);
  const normalisers = f32x4.splat(lse);
  const carries = f32x4.splat(carried);
  let panel = bytes(4 * i);
  for (let at: usize = 0; at < bytes(end); at += 16, panel += panels) {
    const p = exp4(f32x4.sub(f32x4.mul(v128.load(scores + at), scales), normalisers));
    const ds = f32x4.mul(f32x4.mul(p, f32x4.sub(v128.load(dp + at), carries)), scales);
    v128.store(weights + panel, p);
    v128.store(gradients + panel, ds);
    v128.store(dp + at, ds);
  }
}

/** dqkv [B, T, 3C] from the same and dy [B, T, C]. */
export function attentionBackward(
  dqkv: usize,
  qkv: usize,
  start: usize,
  out: usize,
  lse: usize,
  dy: usize,
  scratch: usize,
  batch: i32,
  length: i32,
  heads: i32,
  size: i32,
): void {
  const width = heads * size;
  const outStride = bytes(width);
  const stride = 3 * outStride;
  const scale: f32 = 1 / sqrt<f32>(size as f32);
  const tokens = paddedRight(length);
  const rowStride = bytes(tokens);
  const scores = scratch + bytes(EDGE);
  const dp = scores + 4 * rowStride;
  const panel = dp + 4 * rowStride;
  const weights = panel + 4 * rowStride;
  const gradients = weights + rowStride * tokens;
  const packed = bytes(tokens * size);
  const queries = gradients + rowStride * tokens;
  const dyRows = queries + packed;
  const keys = dyRows + packed;
  const values = keys + packed;
  // The same with tokens as steps.
  const queriesByStep = values + packed;
  const keysByStep = queriesByStep + bytes(tokens * paddedRight(size));
  const dyByStep = keysByStep + bytes(tokens * paddedRight(size));
  clear(dqkv, batch * length * 3 * width);
  for (let b = 0; b < batch; b++) {
    const first = load<i32>(start + bytes(b));
    const rows = length - first;
    const panels = bytes(4 * rows);
    for (let h = 0; h < heads; h++) {
      const at = stride * (b * length + first) + bytes(h * size);
      const outAt = outStride * (b * length + first) + bytes(h * size);
      const lseAt = lse + bytes((b * heads + h) * length + first);
      const q = qkv + at;
      packLeft(queries, q, stride, 4, rows, size);
      packLeft(dyRows, dy + outAt, outStride, 4, rows, size);
      packRight(keys, q + outStride, stride, 4, rows, size);
      packRight(values, q + 2 * outStride, stride, 4, rows, size);
      packRight(queriesByStep, q, 4, stride, size, rows);
      packRight(keysByStep, q + outStride, 4, stride, size, rows);
      packRight(dyByStep, dy + outAt, 4, outStride, size, rows);
      for (let i = 0; i < rows; i += 4) {
        const height = min(4, rows - i);
        scorePanel(scores, rowStride, queries + bytes(i * size), keys, size, i + height, scratch);
        scorePanel(dp, rowStride, dyRows + bytes(i * size), values, size, i + height, scratch);
        for (let r = 0; r < height; r++) {
          const row = outAt + outStride * (i + r);
          const carried = dot(dy + row, out + row, size);
          const own = rowStride * r;
          const normaliser = load<f32>(lseAt + bytes(i + r));
          scoreGradients(scores + own, dp + own, weights, gradients, panels, i + r, i + 4, scale, normaliser, carried);
        }
        packRows(panel, dp, rowStride, i + 4);
        for (let d = 0; d < size; d += 8) {
          const dq = dqkv + at + stride * i + bytes(d);
          tile(dq, stride, panel, keysByStep + bytes(d * rows), i + height, false, height, size - d, scratch);
        }
      }
      for (let j = 0; j < rows; j += 4) {
        const height = min(4, rows - j);
        const from = panels * (j / 4) + bytes(4 * j);
        for (let d = 0; d < size; d += 8) {
          const strip = bytes(d * rows + 8 * j);
          const dk = dqkv + at + outStride + stride * j + bytes(d);
          tile(dk, stride, gradients + from, queriesByStep + strip, rows - j, false, height, size - d, scratch);
          const dv = dk + outStride;
          tile(dv, stride, weights + from, dyByStep + strip, rows - j, false, height, size - d, scratch);
        }
      }
    }
  }
}
