import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { gaussian, type HostArray, hostArray, largestDifference, results, startBothBackends } from './backendAgreement';
import { forceVariant, powerOfTwo, variantTaken } from './kernelVariants';
import { type Draw, drawValues, sample, type SampleAttributes } from './sample';
import './sample.webgpu';

const draw = (
  backend: 'cpu' | 'webgpu',
  logits: HostArray,
  attributes: SampleAttributes & Draw,
): Promise<HostArray[]> =>
  results(
    backend,
    (t) => {
      const kept = tf.fill([t['logits']!.shape[0] as number], -1, 'int32') as tf.Tensor1D;
      const { tokens, logProb } = sample(
        t['logits'] as tf.Tensor2D,
        attributes,
        tf.tensor1d(drawValues(attributes), 'int32'),
        kept,
      );
      return [tokens, logProb, kept];
    },
    { logits },
  );

const BASE: SampleAttributes & Draw = { temperature: 1, topK: 0, topP: 1, seed: 1234, counter: 7 };

describe.each(['row', 'workgroup'])('sample on WebGPU, a row to a %s', (variant) => {
  beforeAll(startBothBackends);
  beforeEach(() => forceVariant('sample', variant));
  afterEach(() => forceVariant('sample', null));

  const cases: [string, number, number, Partial<SampleAttributes & Draw>][] = [
    ['one token', 1, 1, {}],
    ['odd sizes', 65, 63, {}],
    ['many rows', 300, 512, { seed: 0xffffffff, counter: 0xfffffff0 }],
    ['a low temperature', 63, 1024, { temperature: 0.3 }],
    ['greedy', 33, 513, { temperature: 0 }],
    ['top k', 64, 512, { topK: 5 }],
    ['top k above V', 4, 9, { topK: 50 }],
    ['top p', 64, 512, { topP: 0.5 }],
    ['both', 64, 512, { topP: 0.9, topK: 20, temperature: 0.8 }],
    ['top p of nearly all', 16, 65, { topP: 0.9999 }],
  ];
  it.each(cases)(
    "draws the reference's tokens with the same log-probabilities: %s",
    async (_name, rows, vocabulary, changed) => {
      const logits = gaussian([rows, vocabulary], 5, 2);
      const [expectedTokens, expectedLogProb] = await draw('cpu', logits, { ...BASE, ...changed });
      const [tokens, logProb, kept] = await draw('webgpu', logits, { ...BASE, ...changed });
      expect(tokens!.values).toEqual(expectedTokens!.values);
      expect(kept!.values).toEqual(expectedTokens!.values);
      expect(variantTaken('sample', `${powerOfTwo(rows)} x ${vocabulary}`)).toBe(variant);
      expect(largestDifference(expectedLogProb!, logProb!)).toBeLessThan(1e-5);
    },
  );

  it('keeps only the top k, and among ties at the border all of them', async () => {
    const row = [1, 5, 3, 3, 2, -4];
    const logits = hostArray([512, 6], Array.from({ length: 512 }, () => row).flat());
    const [tokens] = await draw('webgpu', logits, { ...BASE, temperature: 2, topK: 2 });
    expect(new Set(tokens!.values)).toEqual(new Set([1, 2, 3]));
  });

  it('draws each token as often as its probability says (chi-squared, 4096 draws)', async () => {
    const row = [0, 1, 2, -1, 0.5, 1.5, -3, 0.2];
    const rows = 4096;
    const logits = hostArray([rows, 8], Array.from({ length: rows }, () => row).flat());
    const [tokens] = await draw('webgpu', logits, { ...BASE, temperature: 1.25 });
    const weights = row.map((logit) => Math.exp(logit / 1.25));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const counts = row.map((_, v) => tokens!.values.filter((token) => token === v).length);
    const statistic = counts.reduce((sum, count, v) => {
      const expected = (rows * (weights[v] as number)) / total;
      return sum + (count - expected) ** 2 / expected;
    }, 0);
    // 0.999 quantile of chi-squared with 7 degrees of freedom; the draws are fixed by the seed.
    expect(statistic).toBeLessThan(24.3);
  });

  it('another seed or counter draws other tokens', async () => {
    const logits = gaussian([64, 512], 5, 0.1);
    const [first] = await draw('webgpu', logits, BASE);
    const [otherSeed] = await draw('webgpu', logits, { ...BASE, seed: 1235 });
    const [otherCounter] = await draw('webgpu', logits, { ...BASE, counter: 8 });
    expect(first!.values).not.toEqual(otherSeed!.values);
    expect(first!.values).not.toEqual(otherCounter!.values);
  });
});
