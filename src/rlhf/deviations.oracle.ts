/** For tests alone: how far a model's answers are from what float64 says, and how far they may be. */
import type * as tf from '@tensorflow/tfjs-core';
import { flat, type Nested, relativeError } from './formulas.oracle';

/** How far one answer is from what float64 says. */
export interface Deviation {
  what: string;
  /** Relative, or 0 and Infinity where only the same will do. */
  error: number;
  /** The most that is allowed. */
  tolerance: number;
}

/** Of float32 against float64: relative to the largest number of a tensor. */
export const VALUES = 1e-4;
/** Two units in the last place of float32, relative. */
const ROUNDING = 2 ** -22;
/** Relative to the expected norm. */
const GRADIENT_NORMS = 1e-3;
/** Relative, each of the ten. */
export const ADAMW_LOSSES = 1e-3;

/** By the name of a parameter. */
export type Norms = Record<string, number>;

/** Reads a tensor back and disposes it. */
export async function read(tensor: tf.Tensor): Promise<Float32Array> {
  const numbers = await tensor.data<'float32'>();
  tensor.dispose();
  return numbers;
}

export const values = (what: string, came: ArrayLike<number>, expected: Nested): Deviation => ({
  what,
  error: relativeError(came, flat(expected)),
  tolerance: VALUES,
});

/**
 * A number that is a sum of terms of both signs, such as the mean of whitened advantages times ratios near 1: where
 * next to nothing is left of it, no float32 sum is nearer than a rounding or two of the largest term.
 */
export function cancellingSum(what: string, came: ArrayLike<number>, expected: Nested, largestTerm: number): Deviation {
  const [own, answer] = [came[0] ?? Infinity, flat(expected)[0] as number];
  const scale = Math.max(Math.abs(answer), (ROUNDING * largestTerm) / VALUES);
  return { what, error: Math.abs(own - answer) / scale, tolerance: VALUES };
}

export const identical = (what: string, came: unknown, expected: unknown): Deviation => ({
  what: `${what}: ${JSON.stringify(came)}, expected ${JSON.stringify(expected)}`,
  error: JSON.stringify(came) === JSON.stringify(expected) ? 0 : Infinity,
  tolerance: 0,
});

export function renamed(
  gradients: ReadonlyMap<string, tf.Tensor>,
  names: Record<string, string>,
): Map<string, tf.Tensor> {
  return new Map([...gradients].map(([name, gradient]) => [names[name] ?? name, gradient]));
}

/**
 * Every norm, relative to what is expected; a norm of 0, which is a sum that cancels, relative to the largest of all.
 * A gradient without an expected norm is an infinite error, but for those in `unexpected`.
 */
export async function gradientNorms(
  gradients: ReadonlyMap<string, tf.Tensor>,
  expected: Norms,
  unexpected: string[] = [],
): Promise<Deviation[]> {
  const largest = Math.max(...Object.values(expected));
  const names = new Set([...Object.keys(expected), ...gradients.keys()]);
  const deviations: Deviation[] = [];
  for (const name of names) {
    if (unexpected.includes(name)) continue;
    const [gradient, norm] = [gradients.get(name), expected[name]];
    let error = Infinity;
    if (gradient && norm !== undefined) {
      const own = Math.hypot(...(await gradient.data()));
      error = Number.isFinite(own) ? Math.abs(own - norm) / (norm || largest) : Infinity;
    }
    deviations.push({ what: `norm of the gradient of ${name}`, error, tolerance: GRADIENT_NORMS });
  }
  return deviations;
}
