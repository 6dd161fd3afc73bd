/**
 * Seeded random choices: the same seed gives the same choices on every machine.
 *
 * mulberry32 (32 bits of state, period 2^32), which is plenty for choosing words; its seed is first mixed, so that
 * neighbouring seeds give unrelated streams.
 */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = mix((Math.imul(seed | 0, 0x9e3779b1) ^ 0x85ebca6b) >>> 0);
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    return mix(this.#state) / 4294967296;
  }

  /** Uniform whole number in [0, limit). */
  integer(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items, all equally likely. */
  pick<T>(items: readonly [T, ...T[]] | readonly T[]): T {
    const item = items[this.integer(items.length)];
    if (item === undefined) throw new RangeError('Random.pick needs at least one item.');
    return item;
  }

  /** One of the keys, as likely as its weight says; weights need not sum to 1. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const keys = Object.keys(weights) as K[];
    let left = this.next() * keys.reduce((sum, key) => sum + weights[key], 0);
    for (const key of keys) {
      left -= weights[key];
      if (left < 0) return key;
    }
    return this.pick(keys);
  }

  /** A shuffled copy (Fisher and Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const held = shuffled[i] as T;
      shuffled[i] = shuffled[j] as T;
      shuffled[j] = held;
    }
    return shuffled;
  }
}

function mix(value: number): number {
  let t = value;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return (t ^ (t >>> 14)) >>> 0;
}
