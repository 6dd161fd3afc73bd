/**
 * Random numbers without a state: a hash of (seed, counter, row, index), so that any number can be drawn alone, in any
 * order and on any device. `shaders/sample.wgsl` holds the same integer hash, so both draw the same tokens.
 *
 * The hash is pcg4d of Jarzynski & Olano 2020, "Hash Functions for GPU Rendering", section 3.
 */

/** A 32-bit hash of four 32-bit words. */
export function hash4(seed: number, counter: number, row: number, index: number): number {
  let x = (Math.imul(seed, 1664525) + 1013904223) | 0;
  let y = (Math.imul(counter, 1664525) + 1013904223) | 0;
  let z = (Math.imul(row, 1664525) + 1013904223) | 0;
  let w = (Math.imul(index, 1664525) + 1013904223) | 0;
  for (let round = 0; round < 2; round++) {
    x = (x + Math.imul(y, w)) | 0;
    y = (y + Math.imul(z, x)) | 0;
    z = (z + Math.imul(x, y)) | 0;
    w = (w + Math.imul(y, z)) | 0;
    if (round === 0) {
      x ^= x >>> 16;
      y ^= y >>> 16;
      z ^= z >>> 16;
      w ^= w >>> 16;
    }
  }
  return w >>> 0;
}

/** A number in (0, 1), both ends left out, of 23 bits, which a float32 holds exactly. */
export function uniform(seed: number, counter: number, row: number, index: number): number {
  return ((hash4(seed, counter, row, index) >>> 9) + 0.5) / 2 ** 23;
}

/**
 * A standard Gumbel number, in [-2.9, 16.7]. The uniform is taken from the end where float32 is fine, so that the large
 * values, which decide an argmax, are the exact ones.
 */
export function gumbel(seed: number, counter: number, row: number, index: number): number {
  return -Math.log(-Math.log1p(-uniform(seed, counter, row, index)));
}

/**
 * Standard normal numbers by Box and Muller.
 * @param stream separates the uses of one seed
 */
export function normalSamples(size: number, seed: number, stream: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => {
    const radius = Math.sqrt(-2 * Math.log(uniform(seed, stream, 0, i)));
    return radius * Math.cos(2 * Math.PI * uniform(seed, stream, 1, i));
  });
}

/** A permutation of 0 … size - 1 (Fisher and Yates), the same for the same seed and stream. */
export function permutation(size: number, seed: number, stream: number): number[] {
  const order = Array.from({ length: size }, (_, i) => i);
  for (let i = size - 1; i > 0; i--) {
    const j = Math.floor(uniform(seed, stream, 2, i) * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
