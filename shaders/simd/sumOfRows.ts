/** The sum over rows, for the gradient of a bias: float32, in blocks of 64 rows. To 1e-6 of the largest number. */
import { bytes, clear } from './vector';

const BLOCK: i32 = 64;

/** sums [width] of x [rows, width]. */
export function sumOfRows(sums: usize, x: usize, rows: i32, width: i32): void {
  clear(sums, width);
  const rowBytes = bytes(width);
  const lines = bytes(width & ~15);
  const whole = bytes(width & ~3);
  for (let row = 0; row < rows; row += BLOCK) {
    const end = x + rowBytes * min(BLOCK, rows - row);
    let c: usize = 0;
    // A line of the cache, which is sixteen columns, at a time.
    for (; c < lines; c += 64) {
      let first = f32x4.splat(0);
      let second = f32x4.splat(0);
      let third = f32x4.splat(0);
      let fourth = f32x4.splat(0);
      for (let at = x; at < end; at += rowBytes) {
        first = f32x4.add(first, v128.load(at + c));
        second = f32x4.add(second, v128.load(at + c, 16));
        third = f32x4.add(third, v128.load(at + c, 32));
        fourth = f32x4.add(fourth, v128.load(at + c, 48));
      }
      const to = sums + c;
      v128.store(to, f32x4.add(v128.load(to), first));
      v128.store(to, f32x4.add(v128.load(to, 16), second), 16);
      v128.store(to, f32x4.add(v128.load(to, 32), third), 32);
      v128.store(to, f32x4.add(v128.load(to, 48), fourth), 48);
    }
    for (; c < whole; c += 16) {
      let sum = f32x4.splat(0);
      for (let at = x; at < end; at += rowBytes) sum = f32x4.add(sum, v128.load(at + c));
      v128.store(sums + c, f32x4.add(v128.load(sums + c), sum));
    }
    for (; c < rowBytes; c += 4) {
      let sum: f32 = 0;
      for (let at = x; at < end; at += rowBytes) sum += load<f32>(at + c);
      store<f32>(sums + c, load<f32>(sums + c) + sum);
    }
    x = end;
  }
}
