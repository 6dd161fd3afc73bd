import { describe, expect, it } from 'vitest';
import { attentionFlops, forwardFlops, kernelFlops, trainingFlops } from './flops';

const SHAPE = { layers: 1, width: 2, heads: 1, context: 4, vocabulary: 3 };

describe('forwardFlops', () => {
  it('counts every multiplication and addition of a model small enough to count by hand', () => {
    // One row of three tokens. Products: 3 tokens times (2x6 + 2x2 + 2x8 + 8x2 + 2x3) weights. Attention: the queries
    // meet 1 + 2 + 3 keys of 2 numbers, and as many values.
    const products = 2 * 3 * (12 + 4 + 16 + 16 + 6);
    const attention = 2 * (2 * 6 * 2);
    expect(forwardFlops(SHAPE, 1, 3)).toBe(products + attention);
    expect(attentionFlops(2, 1, 3)).toBe(attention);
  });

  it('grows with the rows of the batch', () => {
    expect(forwardFlops(SHAPE, 8, 3)).toBe(8 * forwardFlops(SHAPE, 1, 3));
  });
});

describe('trainingFlops', () => {
  it('is three forward passes', () => {
    expect(trainingFlops(SHAPE, 2, 4)).toBe(3 * forwardFlops(SHAPE, 2, 4));
  });
});

describe('kernelFlops', () => {
  it('knows M, N and K of a product from the sizes that it binds', () => {
    const [m, k, n] = [48, 20, 12];
    expect(kernelFlops('matrix_product', { read: [m * k, k * n, n], written: [m * n] }, 0)).toBeCloseTo(2 * m * n * k);
  });

  it('counts two products of attention forward and seven in the two kernels of its backward pass', () => {
    const bound = { read: [], written: [] };
    expect(kernelFlops('causal_attention', bound, 100)).toBe(100);
    expect(kernelFlops('causal_attention_backward_query', bound, 100)).toBe(150);
    expect(kernelFlops('causal_attention_backward_key_value', bound, 100)).toBe(200);
  });

  it('says null where nobody counted', () => {
    expect(kernelFlops('layer_norm', { read: [8], written: [8] }, 100)).toBeNull();
  });
});
