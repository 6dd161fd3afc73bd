/**
 * Matrix products with either operand transposed: y = op(a) op(b) + bias + residual; src/ops/matrixProduct.ts has the
 * shapes.
 *
 * As in Goto & van de Geijn 2008: parts of both operands are packed in the order of use, which also transposes them,
 * and a tile of 4 × 8 sums stays in registers while it goes along the inner size. Sums are float32 along blocks of
 * INNER steps, which are added in float32: to 1e-5 of the largest number at an inner size of 4096.
 */
import { EDGE, packLeft, packRight, paddedLeft, paddedRight, tile } from './tile';
import { bytes } from './vector';

/** Steps, rows and columns that are packed at a time: a block of b stays in the second cache, a strip of it in the first. */
const INNER: i32 = 256;
const ROWS: i32 = 64;
const COLUMNS: i32 = 512;

/** How much scratch memory `product` takes, in numbers. */
export function productScratch(rows: i32, inner: i32, columns: i32): i32 {
  const steps = min(inner, INNER);
  return EDGE + steps * (paddedLeft(min(rows, ROWS)) + paddedRight(min(columns, COLUMNS)));
}

/** y = bias + residual, of one row of which at least one is there. */
function beginRow(y: usize, bias: usize, residual: usize, columns: i32): void {
  const end = bytes(columns);
  const whole = bytes(columns & ~3);
  let c: usize = 0;
  for (; c < whole; c += 16) {
    let sum = residual ? v128.load(residual + c) : f32x4.splat(0);
    if (bias) sum = f32x4.add(sum, v128.load(bias + c));
    v128.store(y + c, sum);
  }
  for (; c < end; c += 4) {
    let sum: f32 = residual ? load<f32>(residual + c) : 0;
    if (bias) sum += load<f32>(bias + c);
    store<f32>(y + c, sum);
  }
}

/**
 * y [rows, columns] = op(a) [rows, inner] op(b) [inner, columns] + bias [columns] + residual [rows, columns].
 * @param bias 0 where there is none
 * @param residual 0 where there is none
 */
export function product(
  y: usize,
  a: usize,
  b: usize,
  bias: usize,
  residual: usize,
  scratch: usize,
  rows: i32,
  inner: i32,
  columns: i32,
  transposeA: bool,
  transposeB: bool,
): void {
  const rowStride = bytes(columns);
  const aLane: usize = transposeA ? 4 : bytes(inner);
  const aStep: usize = transposeA ? bytes(rows) : 4;
  const bLane: usize = transposeB ? bytes(inner) : 4;
  const bStep: usize = transposeB ? 4 : bytes(columns);
  const left = scratch + bytes(EDGE);
  const right = left + bytes(paddedLeft(min(rows, ROWS)) * min(inner, INNER));
  const begun = bias !== 0 || residual !== 0;
  if (begun) {
    for (let row = 0; row < rows; row++) {
      const at = rowStride * row;
      beginRow(y + at, bias, residual ? residual + at : 0, columns);
    }
  }
  for (let j = 0; j < columns; j += COLUMNS) {
    const width = min(COLUMNS, columns - j);
    for (let k = 0; k < inner; k += INNER) {
      const steps = min(INNER, inner - k);
      const add = begun || k > 0;
      packRight(right, b + bLane * j + bStep * k, bLane, bStep, width, steps);
      for (let i = 0; i < rows; i += ROWS) {
        const height = min(ROWS, rows - i);
        packLeft(left, a + aLane * i + aStep * k, aLane, aStep, height, steps);
        const to = y + rowStride * i + bytes(j);
        for (let c = 0; c < width; c += 8) {
          const strip = right + bytes(c * steps);
          for (let r = 0; r < height; r += 4) {
            const at = to + rowStride * r + bytes(c);
            tile(at, rowStride, left + bytes(r * steps), strip, steps, add, height - r, width - c, scratch);
          }
        }
      }
    }
  }
}
