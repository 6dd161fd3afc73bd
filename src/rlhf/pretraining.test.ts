import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { PretrainSettings } from '../config';
import { NonFiniteError } from '../errors';
import { startDevice } from '../gpu/device';
import { metricInfo } from '../metrics';
import { disposeGpt, type Gpt, hiddenStates, logits } from '../model/gpt';
import { initialParameters } from '../model/parameters';
import { TINY } from '../model/tinyGpt';
import { heldOutLoss, pretrain, pretrainingOptimiser, TokenWindows } from './pretraining';
import type { TrainingStep } from './trainingStep';

const END = 0;
const DOCUMENTS = [
  [2, 3, 4, 5, 6],
  [7, 8, 9, 2, 3],
  [5, 10, 11],
];
const SETTINGS: PretrainSettings = { steps: 50, batchSize: 4, sequenceLength: 12, learningRate: 0.02, warmupSteps: 5 };

function* endlessly(documents: readonly number[][]): Generator<number[]> {
  for (;;) yield* documents;
}

const fresh = (seed: number): Gpt => ({ shape: TINY, parameters: initialParameters(TINY, seed) });
const windowsOf = (documents: readonly number[][]): TokenWindows =>
  new TokenWindows(endlessly(documents), END, SETTINGS.sequenceLength + 1);

describe('TokenWindows', () => {
  const documents = fc.array(fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 9 }), {
    minLength: 1,
    maxLength: 5,
  });

  it('cuts the stream of documents and end tokens without loss: each window begins with the last token of the one before', () =>
    fc.assert(
      fc.property(
        documents,
        fc.integer({ min: 2, max: 8 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 }),
        (texts, length, counts) => {
          const windows = new TokenWindows(endlessly(texts), END, length);
          const read: number[] = [];
          for (const count of counts) {
            const batch = windows.next(count);
            expect(batch.length).toBe(count * length);
            for (let i = 0; i < count; i++) {
              const window = [...batch.subarray(i * length, (i + 1) * length)];
              if (read.length > 0) expect(window[0]).toBe(read.at(-1));
              read.push(...window.slice(read.length > 0 ? 1 : 0));
            }
          }
          const once = texts.flatMap((text) => [...text, END]);
          expect(read).toEqual(read.map((_, i) => once[i % once.length]));
        },
      ),
    ));

  it('says so when the documents come to an end', () => {
    const windows = new TokenWindows([[1, 2, 3]].values(), END, 3);
    expect([...windows.next(1)]).toEqual([1, 2, 3]);
    expect(() => windows.next(1)).toThrow('came to an end');
  });
});

describe.each(['cpu', 'wasm'] as const)('pretraining on %s', (backend) => {
  beforeAll(async () => {
    await startDevice(backend);
  });

  it('starts at the logarithm of the vocabulary and learns documents by heart, without a tensor left behind', async () => {
    const before = tf.memory().numTensors;
    const gpt = fresh(1);
    const optimiser = pretrainingOptimiser(gpt);
    const during = tf.memory().numTensors;
    const steps: TrainingStep[] = [];
    for await (const step of pretrain(gpt, optimiser, windowsOf(DOCUMENTS), SETTINGS)) {
      steps.push(step);
      expect(tf.memory().numTensors).toBe(during);
    }
    const losses = steps.map(({ metrics }) => metrics?.['loss'] as number);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: SETTINGS.steps }, (_, i) => i + 1));
    expect(Math.abs((losses[0] as number) - Math.log(TINY.vocabulary))).toBeLessThan(0.1);
    // What is left is which document comes first in a window.
    expect(losses.at(-1)).toBeLessThan(0.4);
    const tokensAStep = SETTINGS.batchSize * SETTINGS.sequenceLength;
    for (const { metrics, step } of steps) {
      expect(metrics?.['num_tokens']).toBe(step * tokensAStep);
      for (const key of Object.keys(metrics ?? {})) expect(metricInfo('pretrain', key), key).toBeDefined();
      expect(metrics?.['perplexity']).toBeCloseTo(Math.exp(metrics?.['loss'] as number), 6);
    }
    optimiser.dispose();
    disposeGpt(gpt);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('gives a held-out loss that does not depend on how many windows are read at once', async () => {
    const gpt = fresh(2);
    const windows = windowsOf(DOCUMENTS).next(7);
    const length = SETTINGS.sequenceLength + 1;
    const before = tf.memory().numTensors;
    const [one, three, all] = await Promise.all([1, 3, 7].map((count) => heldOutLoss(gpt, windows, length, count)));
    // Each window by hand: log-softmax of the logits of every token but the last.
    const rows = Array.from({ length: 7 }, (_, row) => windows.subarray(row * length, (row + 1) * length));
    const byHand = tf.tidy(() => {
      const ids = tf.tensor2d(
        rows.flatMap((row) => [...row.subarray(0, -1)]),
        [7, length - 1],
        'int32',
      );
      const hidden = tf.reshape<tf.Rank.R2>(hiddenStates(gpt, ids, tf.zeros([7], 'int32')), [-1, TINY.width]);
      const logProbs = tf.logSoftmax(logits(gpt, hidden)).arraySync() as number[][];
      const targets = rows.flatMap((row) => [...row.subarray(1)]);
      return -targets.reduce((sum, target, i) => sum + (logProbs[i]?.[target] as number), 0) / targets.length;
    });
    for (const loss of [one, three, all]) expect(loss).toBeCloseTo(byHand, 4);
    expect(tf.memory().numTensors).toBe(before);
    disposeGpt(gpt);
  });
});

describe('a pretraining run', () => {
  beforeAll(async () => {
    await startDevice('cpu');
  });

  it('that was stopped and goes on is the run that was never stopped', async () => {
    const settings = { ...SETTINGS, steps: 6 };
    const weights = async (stopAfter: number): Promise<Float32Array[]> => {
      const gpt = fresh(3);
      const optimiser = pretrainingOptimiser(gpt);
      const windows = windowsOf(DOCUMENTS);
      for await (const { step } of pretrain(gpt, optimiser, windows, settings)) if (step === stopAfter) break;
      for await (const { step } of pretrain(gpt, optimiser, windows, settings)) expect(step).toBeGreaterThan(stopAfter);
      const read = [...gpt.parameters.values()].map((parameter) => Float32Array.from(parameter.dataSync()));
      optimiser.dispose();
      disposeGpt(gpt);
      return read;
    };
    expect(await weights(2)).toEqual(await weights(6));
  });

  it('stops with an error where the loss is not a number', async () => {
    const gpt = fresh(4);
    const optimiser = pretrainingOptimiser(gpt);
    tf.tidy(() => gpt.parameters.get('transformer.ln_f.bias')?.assign(tf.fill([TINY.width], NaN)));
    await expect(pretrain(gpt, optimiser, windowsOf(DOCUMENTS), SETTINGS).next()).rejects.toThrow(NonFiniteError);
    optimiser.dispose();
    disposeGpt(gpt);
  });
});
