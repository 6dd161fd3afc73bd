/** Chance that can be repeated. Above all the blind order: where a reply stands says nothing about where it came from. */

/** A uniform generator in [0, 1) from a 32-bit seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A permutation of 0 … count − 1 (Fisher–Yates), the same for the same seed. */
export function blindOrder(count: number, seed: number): number[] {
  const random = seededRandom(seed);
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const held = order[last];
    const swapped = order[other];
    if (held === undefined || swapped === undefined) continue;
    order[last] = swapped;
    order[other] = held;
  }
  return order;
}

/** Seeds for all that the page asks for: the same ones at each visit when the address gives a seed, else fresh. */
export class Seeds {
  readonly #random: (() => number) | null;

  constructor(seed: number | null) {
    this.#random = seed === null ? null : seededRandom(seed);
  }

  /** A 31-bit seed. */
  next(): number {
    if (this.#random) return Math.floor(this.#random() * 2 ** 31);
    const [value = 0] = crypto.getRandomValues(new Uint32Array(1));
    return value >>> 1;
  }
}
