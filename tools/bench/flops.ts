/**
 * Floating-point operations, counted from shapes: a multiplication and an addition are two. Only matrix products and
 * attention are counted, as is usual; what an implementation computes twice is counted once.
 */
import type { ModelShape } from '../../src/config';

/** The formula that `trainingFlops` computes, for the report. */
export const TRAINING_FLOPS_FORMULA = '3 · [2·B·T·(12·L·C² + V·C) + 2·L·B·C·T·(T+1)]';

/**
 * A forward pass over B rows of T tokens: four matrices of a block (3C², C², 4C², 4C² weights), the head, and causal
 * attention, whose query at position t meets t + 1 keys and as many values.
 */
export function forwardFlops({ layers, width, vocabulary }: ModelShape, batch: number, length: number): number {
  const products = 2 * batch * length * (12 * layers * width ** 2 + vocabulary * width);
  return products + layers * attentionFlops(width, batch, length);
}

/** A training step: every product of the forward pass has two in the backward pass. */
export function trainingFlops(shape: ModelShape, batch: number, length: number): number {
  return 3 * forwardFlops(shape, batch, length);
}

/** Causal attention of one layer, forward. */
export function attentionFlops(width: number, batch: number, length: number): number {
  return 2 * batch * width * length * (length + 1);
}

/** What a dispatch binds, in numbers of 4 bytes. */
export interface BoundNumbers {
  read: readonly number[];
  written: readonly number[];
}

/** Which share of attention's backward pass a kernel is: of 5 products in all, those that it computes. */
const ATTENTION_PRODUCTS: readonly (readonly [RegExp, number])[] = [
  [/^causal_attention_backward_query/, 3],
  [/^causal_attention_backward_key_value/, 4],
  [/^causal_attention_backward/, 5],
  [/^causal_attention/, 2],
];

/**
 * Operations of one dispatch of a kernel of ours, or null where nobody counted them.
 *
 * A product of [M, K] and [K, N] into [M, N] reads MK and KN numbers and writes MN, so M·K·N is the root of the product
 * of the three.
 */
export function kernelFlops(name: string, bound: BoundNumbers, attention: number): number | null {
  for (const [pattern, products] of ATTENTION_PRODUCTS) if (pattern.test(name)) return (attention * products) / 2;
  if (!/product|linear|matmul/i.test(name)) return null;
  const [a, b] = bound.read;
  const [result] = bound.written;
  return a === undefined || b === undefined || result === undefined ? null : 2 * Math.sqrt(a * b * result);
}
