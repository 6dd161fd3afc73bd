import fc from 'fast-check';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { gaussian } from './backendAgreement';
import { HOST_BACKENDS } from './plainAgreement';
import { type Draw, drawValues, sample, type SampleAttributes, sampleRow } from './sample';
import { tokenLogProb } from './tokenLogProb';

const BASE: SampleAttributes & Draw = { temperature: 1, topK: 0, topP: 1, seed: 99, counter: 0 };

/** Draws one token from each of `rows` copies of a row of logits. */
const draws = (row: number[], rows: number, changes: Partial<SampleAttributes & Draw> = {}): number[] =>
  Array.from({ length: rows }, (_, i) => sampleRow(Float32Array.from(row), i, { ...BASE, ...changes }).token);

const probabilities = (row: number[], temperature: number): number[] => {
  const weights = row.map((logit) => Math.exp(logit / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
};

/** Pearson's statistic of counts against probabilities; tokens of probability 0 must not come at all. */
function chiSquared(tokens: number[], expected: number[]): number {
  return expected.reduce((sum, probability, token) => {
    const count = tokens.filter((drawn) => drawn === token).length;
    if (probability === 0) return count === 0 ? sum : Infinity;
    return sum + (count - tokens.length * probability) ** 2 / (tokens.length * probability);
  }, 0);
}

const ROW = [0, 1, 2, -1, 0.5, 1.5, -2, 0.2];
/** 0.999 quantiles of chi-squared; the draws are fixed by the seed. */
const QUANTILE_7 = 24.3;
const QUANTILE_2 = 13.8;

describe('sample', () => {
  it.each([0.6, 1, 1.7])('draws each token as often as the softmax at temperature %f says', (temperature) => {
    expect(chiSquared(draws(ROW, 8000, { temperature }), probabilities(ROW, temperature))).toBeLessThan(QUANTILE_7);
  });

  it('draws as often over the steps of one row as over the rows of one step', () => {
    const row = Float32Array.from(ROW);
    const tokens = Array.from({ length: 8000 }, (_, counter) => sampleRow(row, 3, { ...BASE, counter }).token);
    expect(chiSquared(tokens, probabilities(ROW, 1))).toBeLessThan(QUANTILE_7);
  });

  it('keeps the k likeliest in their old proportions, and among ties at the border all', () => {
    const kept = [1, 2, 5]; // 1, 2 and 1.5
    const share = probabilities(ROW, 1);
    const mass = kept.reduce((sum, token) => sum + (share[token] as number), 0);
    const expected = ROW.map((_, token) => (kept.includes(token) ? (share[token] as number) / mass : 0));
    expect(chiSquared(draws(ROW, 8000, { topK: 3 }), expected)).toBeLessThan(QUANTILE_2);
    expect(new Set(draws([1, 5, 3, 3, 2, -4], 800, { topK: 2, temperature: 2 }))).toEqual(new Set([1, 2, 3]));
  });

  it('keeps the fewest likeliest tokens that make up topP', () =>
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 2, maxLength: 8 }),
        fc.double({ min: 0.05, max: 0.99, noNaN: true }),
        (tenths, topP) => {
          const row = tenths.map((logit) => logit / 10);
          const share = probabilities(row, 1);
          const order = row.map((_, token) => token).sort((a, b) => (row[b] as number) - (row[a] as number));
          const kept = new Set<number>();
          let mass = 0;
          for (const token of order) {
            if (mass >= topP) break;
            // Where a sum lies on the border to the last bit, either set is right.
            fc.pre(Math.abs(mass + (share[token] as number) - topP) > 1e-5);
            mass += share[token] as number;
            kept.add(token);
          }
          expect(new Set(draws(row, 1500, { topP }))).toEqual(kept);
        },
      ),
      { numRuns: 40, seed: 1 },
    ));

  it('takes the likeliest at temperature 0, whatever the seed, and tells its log-prob at temperature 1', () => {
    for (const seed of [0, 1, 0xffffffff])
      expect(new Set(draws(ROW, 20, { temperature: 0, seed }))).toEqual(new Set([2]));
    const { logProb } = sampleRow(Float32Array.from(ROW), 0, { ...BASE, temperature: 0 });
    expect(logProb).toBeCloseTo(Math.log(probabilities(ROW, 1)[2] as number), 5);
  });

  it('draws the same with the same seed, and other tokens with another seed or counter', () => {
    const flat = new Array<number>(64).fill(0);
    expect(draws(flat, 50)).toEqual(draws(flat, 50));
    expect(draws(flat, 50)).not.toEqual(draws(flat, 50, { seed: 100 }));
    expect(draws(flat, 50)).not.toEqual(draws(flat, 50, { counter: 1 }));
  });
});

describe.each(HOST_BACKENDS)('sample on %s', (backend) => {
  beforeAll(async () => {
    await startDevice(backend);
  });

  it.each([{}, { temperature: 0.7 }, { topK: 3, topP: 0.8, temperature: 1.3 }])(
    'draws row by row, and tells the log-prob that a training pass would, before top-k and top-p: %j',
    (changes) => {
      const { values } = gaussian([40, 23], 22, 2);
      const attributes = { ...BASE, ...changes };
      const { tokens, kept, logProb, trained } = tf.tidy(() => {
        const logits = tf.tensor2d(values, [40, 23]);
        const kept = tf.zeros<tf.Rank.R1>([40], 'int32');
        const drawn = sample(logits, attributes, tf.tensor1d(drawValues(attributes), 'int32'), kept);
        const again = tokenLogProb(logits, drawn.tokens, attributes.temperature);
        return {
          tokens: drawn.tokens.arraySync(),
          kept: kept.arraySync(),
          logProb: drawn.logProb.arraySync(),
          trained: again.logProb.arraySync(),
        };
      });
      expect(kept).toEqual(tokens);
      tokens.forEach((token, row) => {
        const alone = sampleRow(values.subarray(row * 23, (row + 1) * 23) as Float32Array, row, attributes);
        expect(token).toBe(alone.token);
        expect(logProb[row]).toBeCloseTo(trained[row] as number, 5);
      });
    },
  );
});
