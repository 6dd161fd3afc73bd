import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CancelledError, InputError } from '../errors';
import { startDevice } from '../gpu/device';
import { responseRows } from '../ops/responseRows';
import { batchTensors, padBatch } from './batch';
import { generate, generateAll, type GenerateOptions } from './generate';
import { disposeGpt, type Gpt, hiddenStates, logits } from './gpt';
import { responseLogProbs } from './responseLogProbs';
import { TINY, tinyGpt } from './tinyGpt';

const PAD = 1;
const STOP = 3;
const PROMPTS = [[5], [2, 7, 4, 5, 6, 7, 8], [9, 9, 4]];
const OPTIONS: GenerateOptions = {
  temperature: 1,
  topK: 0,
  topP: 1,
  maxNewTokens: 11,
  seed: 5,
  stopToken: STOP,
  padToken: PAD,
};

describe.each(['cpu', 'wasm'] as const)('generation on %s', (backend) => {
  let gpt: Gpt;
  let before = 0;
  beforeAll(async () => {
    await startDevice(backend);
    gpt = tinyGpt(11);
    before = tf.memory().numTensors;
  });
  afterEach(() => expect(tf.memory().numTensors).toBe(before));
  afterAll(() => disposeGpt(gpt));

  it.each([1, 0.6])(
    'tells the log-probs of a training pass, for prompts of different lengths, at %f',
    async (temperature) => {
      const { responses, logProbs } = await generateAll(gpt, PROMPTS, { ...OPTIONS, temperature });
      const trained = tf.tidy(() => {
        const batch = padBatch(PROMPTS, responses, PAD, TINY.context);
        const { ids, start } = batchTensors(batch);
        return responseLogProbs(gpt, ids, start, batch.promptLength, temperature).logProbs.arraySync();
      });
      expect(responses.every(({ length }) => length > 0)).toBe(true);
      logProbs.forEach((row, b) => {
        expect(row.length).toBe(responses[b]?.length);
        row.forEach((logProb, t) => expect(Math.abs(logProb - (trained[b]?.[t] as number))).toBeLessThan(1e-4));
      });
    },
  );

  it.each(['itself', 'another'] as const)(
    'with a scoring beside %s it tells the log-probs of whole passes',
    async (which) => {
      const other = tinyGpt(12);
      const beside = which === 'itself' ? gpt : other;
      const scores = (own: tf.Tensor2D, of: tf.Tensor2D): tf.Tensor2D =>
        tf.add(logits(gpt, own), tf.mul(3, logits(beside, of)));
      const request = { ...OPTIONS, scoring: { beside, scores, variables: () => [] } };
      const { responses, logProbs } = await generateAll(gpt, PROMPTS, request);
      const plain = await generateAll(gpt, PROMPTS, OPTIONS);
      expect(responses).not.toEqual(plain.responses); // or the test shows nothing
      const [P, R] = [
        Math.max(...PROMPTS.map(({ length }) => length)),
        Math.max(...responses.map(({ length }) => length)),
      ];
      const whole = tf.tidy(() => {
        const { ids, start } = batchTensors(padBatch(PROMPTS, responses, PAD, TINY.context));
        const [own, of] = [gpt, beside].map((one) => responseRows(hiddenStates(one, ids, start), P)) as [
          tf.Tensor2D,
          tf.Tensor2D,
        ];
        return tf.reshape(tf.logSoftmax(scores(own, of)), [PROMPTS.length, R, -1]).arraySync() as number[][][];
      });
      logProbs.forEach((row, b) =>
        row.forEach((logProb, t) => expect(Math.abs(logProb - whole[b]![t]![responses[b]![t]!]!)).toBeLessThan(1e-4)),
      );
      disposeGpt(other);
    },
  );

  it('ends a row with its first stop token or at the limit, and says which', async () => {
    const prompts = Array.from({ length: 24 }, (_, i) => [2 + (i % 9), 4]);
    const { responses, finished } = await generateAll(gpt, prompts, { ...OPTIONS, temperature: 4 });
    expect(new Set(finished)).toEqual(new Set([true, false])); // or the test shows nothing
    responses.forEach((response, row) => {
      const stop = response.indexOf(STOP);
      expect(finished[row]).toBe(stop >= 0);
      expect(response.length).toBe(stop >= 0 ? stop + 1 : OPTIONS.maxNewTokens);
      for (const token of response) expect(token >= 0 && token < TINY.vocabulary).toBe(true);
    });
  });

  it('goes no further than the context', async () => {
    const prompt = new Array<number>(TINY.context - 3).fill(4);
    const { responses } = await generateAll(gpt, [prompt, [4]], { ...OPTIONS, stopToken: -1 });
    expect(responses.map(({ length }) => length)).toEqual([3, 3]);
    await expect(generateAll(gpt, [[...prompt, 4, 4, 4]], OPTIONS)).rejects.toThrow(InputError);
  });

  it('draws the same with the same seed and other tokens with another', async () => {
    const all = async (seed: number): Promise<number[][]> =>
      (await generateAll(gpt, PROMPTS, { ...OPTIONS, seed })).responses;
    expect(await all(5)).toEqual(await all(5));
    expect(await all(5)).not.toEqual(await all(6));
  });

  it('draws anew at each step and in each row', async () => {
    const even = { ...OPTIONS, temperature: 1e4, stopToken: -1, maxNewTokens: 16 };
    const { responses } = await generateAll(gpt, [[5], [5]], even);
    for (const response of responses) expect(new Set(response).size).toBeGreaterThan(4);
    expect(responses[0]).not.toEqual(responses[1]);
  });

  it('gives a greedy row the same tokens whatever stands beside it', async () => {
    const greedy = { ...OPTIONS, temperature: 0, stopToken: -1 };
    const together = await generateAll(gpt, PROMPTS, greedy);
    for (const [row, prompt] of PROMPTS.entries()) {
      expect((await generateAll(gpt, [prompt], greedy)).responses[0]).toEqual(together.responses[row]);
    }
  });

  it('shows its tokens as they come, and is over as soon as every row has stopped', async () => {
    const greedy = { ...OPTIONS, temperature: 0, maxNewTokens: 16 };
    const lengths: number[] = [];
    for await (const { responses } of generate(gpt, [[5]], { ...greedy, stopToken: -1 })) {
      lengths.push((responses[0] as number[]).length);
    }
    expect(lengths).toEqual([8, 16]);
    const { responses } = await generateAll(gpt, [[5]], { ...greedy, stopToken: -1, maxNewTokens: 1 });
    const first = responses[0]?.[0] as number;
    let looks = 0;
    for await (const { finished } of generate(gpt, [[5]], { ...greedy, stopToken: first })) {
      looks += 1;
      expect(finished).toEqual([true]);
    }
    expect(looks).toBe(1);
  });

  it('stops when it is told to, and lets go of everything', async () => {
    const controller = new AbortController();
    const generator = generate(gpt, PROMPTS, { ...OPTIONS, stopToken: -1, signal: controller.signal });
    expect((await generator.next()).done).toBe(false);
    controller.abort();
    await expect(generator.next()).rejects.toThrow(CancelledError);
  });

  it('lets go of everything when nobody listens any more', async () => {
    for await (const { responses } of generate(gpt, PROMPTS, { ...OPTIONS, stopToken: -1 })) {
      if ((responses[0] as number[]).length > 0) break;
    }
  });
});
