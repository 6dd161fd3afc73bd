import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PRESETS } from '../config';
import { startDevice } from '../gpu/device';
import { batchTensors, padBatch } from './batch';
import { cloneGpt, disposeGpt, type Gpt, hiddenStates, parameterCount } from './gpt';
import { initialParameters, parameterShapes } from './parameters';
import { responseLogProbs } from './responseLogProbs';
import { TINY, tinyGpt } from './tinyGpt';

const PAD = 1;
const PROMPTS = [[5], [2, 3, 4, 5, 6, 7], [9, 9, 4]];
const RESPONSES = [[3, 12, 0, 4], [8], [11, 6, 2]];

/** Log-probs and entropies of each row's own tokens, the rows computed together. */
function rowsTogether(
  gpt: Gpt,
  prompts: number[][],
  responses: number[][],
): { logProbs: number[]; entropy: number[] }[] {
  return tf.tidy(() => {
    const batch = padBatch(prompts, responses, PAD, gpt.shape.context);
    const { ids, start } = batchTensors(batch);
    const { logProbs, entropy } = responseLogProbs(gpt, ids, start, batch.promptLength, 0.8);
    const [logProbRows, entropyRows] = [logProbs.arraySync(), entropy.arraySync()];
    return responses.map(({ length }, row) => ({
      logProbs: (logProbRows[row] as number[]).slice(0, length),
      entropy: (entropyRows[row] as number[]).slice(0, length),
    }));
  });
}

describe.each(['cpu', 'wasm'] as const)('the GPT on %s', (backend) => {
  let gpt: Gpt;
  let before = 0;
  beforeAll(async () => {
    await startDevice(backend);
    before = tf.memory().numTensors;
  });
  afterEach(() => {
    disposeGpt(gpt);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('gives a left-padded row what it gives the row alone', () => {
    gpt = tinyGpt(1);
    const together = rowsTogether(gpt, PROMPTS, RESPONSES);
    PROMPTS.forEach((prompt, row) => {
      const [alone] = rowsTogether(gpt, [prompt], [RESPONSES[row] as number[]]);
      for (const key of ['logProbs', 'entropy'] as const) {
        together[row]?.[key].forEach((value, t) => {
          expect(Math.abs(value - (alone?.[key][t] as number))).toBeLessThan(1e-5);
        });
      }
    });
  });

  it('gives a response the same numbers and gradients with its mask, which saves the padding, as without', () => {
    gpt = tinyGpt(7);
    tf.tidy(() => {
      const batch = padBatch(PROMPTS, RESPONSES, PAD, gpt.shape.context);
      const { ids, start, responseMask } = batchTensors(batch);
      const numbersOf = (mask?: tf.Tensor2D): { values: number[]; gradients: Map<string, Float32Array> } => {
        const { value, grads } = tf.variableGrads(() => {
          const { logProbs, entropy } = responseLogProbs(gpt, ids, start, batch.promptLength, 0.8, mask && { mask });
          return tf.sum(tf.mul(tf.add(logProbs, tf.square(entropy)), responseMask)) as tf.Scalar;
        }, [...gpt.parameters.values()]);
        const gradients = new Map(
          Object.entries(grads).map(([name, gradient]) => [name, gradient.dataSync<'float32'>()]),
        );
        return { values: [...value.dataSync()], gradients };
      };
      const [whole, saved] = [numbersOf(), numbersOf(responseMask)];
      expect(saved.values[0]).toBeCloseTo(whole.values[0] as number, 4);
      expect(saved.gradients.size).toBe(gpt.parameters.size);
      for (const [name, gradient] of whole.gradients) {
        const own = saved.gradients.get(name) as Float32Array;
        const largest = Math.max(...gradient.map(Math.abs));
        gradient.forEach((value, i) =>
          expect(Math.abs(value - (own[i] as number))).toBeLessThan(1e-5 * largest + 1e-7),
        );
      }
    });
  });

  it('sees nothing of later tokens', () => {
    gpt = tinyGpt(2);
    const states = (ids: number[]): number[][] =>
      tf.tidy(() =>
        hiddenStates(gpt, tf.tensor2d([ids], undefined, 'int32'), tf.tensor1d([0], 'int32')).arraySync(),
      )[0] as number[][];
    const [one, other] = [states([3, 4, 5, 6, 7]), states([3, 4, 5, 12, 0])];
    expect(other.slice(0, 3)).toEqual(one.slice(0, 3));
    expect(other[3]).not.toEqual(one[3]);
  });

  it('gives log-probs that make up 1 over the vocabulary', () => {
    gpt = tinyGpt(3);
    const vocabulary = Array.from({ length: TINY.vocabulary }, (_, token) => token);
    const rows = rowsTogether(
      gpt,
      vocabulary.map(() => [4, 2]),
      vocabulary.map((token) => [token]),
    );
    const total = rows.reduce((sum, { logProbs }) => sum + Math.exp(logProbs[0] as number), 0);
    expect(total).toBeCloseTo(1, 5);
    const entropy = rows.reduce((sum, { logProbs: [l] }) => sum - Math.exp(l as number) * (l as number), 0);
    expect(rows[0]?.entropy[0]).toBeCloseTo(entropy, 5);
  });

  it('has copies that do not change with it', () => {
    gpt = tinyGpt(4);
    const copy = cloneGpt(gpt);
    const reading = (one: Gpt): number[] => rowsTogether(one, PROMPTS, RESPONSES).flatMap(({ logProbs }) => logProbs);
    const original = reading(gpt);
    expect(reading(copy)).toEqual(original);
    tf.tidy(() => {
      for (const parameter of gpt.parameters.values()) parameter.assign(tf.add(parameter, 0.1));
    });
    expect(reading(copy)).toEqual(original);
    expect(reading(gpt)).not.toEqual(original);
    disposeGpt(copy);
  });
});

describe('fresh weights', () => {
  beforeAll(async () => {
    await startDevice('cpu');
  });
  const values = (seed: number): Map<string, Float32Array> => {
    const parameters = initialParameters(PRESETS.nano, seed);
    const read = new Map([...parameters].map(([name, p]) => [name, Float32Array.from(p.dataSync())]));
    tf.dispose([...parameters.values()]);
    return read;
  };

  it('are the same for the same seed and differ for another', () => {
    expect(values(7)).toEqual(values(7));
    expect(values(7).get('transformer.wte.weight')).not.toEqual(values(8).get('transformer.wte.weight'));
  });

  it('are N(0, 0.02), into the residual stream narrower by sqrt(2 L), with norms 1 and biases 0', () => {
    const deviation = (numbers: Float32Array): number => Math.hypot(...numbers) / Math.sqrt(numbers.length);
    for (const [name, numbers] of values(7)) {
      if (name.endsWith('.bias')) expect(numbers.every((x) => x === 0)).toBe(true);
      else if (name.includes('.ln_')) expect(numbers.every((x) => x === 1)).toBe(true);
      else expect(deviation(numbers) / (name.includes('c_proj') ? 0.01 : 0.02)).toBeCloseTo(1, 1);
    }
  });

  it('are drawn anew for each matrix', () => {
    const beginnings = [...values(7)].filter(([name]) => !name.includes('.ln_') && !name.endsWith('.bias'));
    // Scaled alike, so that two of the same draws would show.
    const signs = beginnings.map(([, numbers]) => [...numbers.subarray(0, 64)].map(Math.sign).join());
    expect(new Set(signs).size).toBe(beginnings.length);
  });

  it('number what the presets promise', () => {
    const { layers: L, width: C, context: N, vocabulary: V } = PRESETS.mini;
    expect(parameterCount(PRESETS.mini)).toBe((V + N) * C + L * (12 * C * C + 13 * C) + 2 * C);
    expect(Object.values(PRESETS).map(parameterCount)).toEqual([157_440, 940_800, 1_690_080, 5_066_752]);
    expect([...parameterShapes(TINY).keys()].filter((name) => name.includes('.h.')).length).toBe(12 * TINY.layers);
  });
});
