import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { NonFiniteError } from '../errors';
import { startDevice } from '../gpu/device';
import { metricInfo } from '../metrics';
import { batchTensors, padBatch } from '../model/batch';
import { generateAll } from '../model/generate';
import { disposeGpt, type Gpt } from '../model/gpt';
import { responseLogProbs } from '../model/responseLogProbs';
import { TINY, tinyGpt } from '../model/tinyGpt';
import {
  fineTuneOnDemonstrations,
  type ImitationSettings,
  sftOptimiser,
  sftSteps,
  superviseFineTune,
  type TokenisedExample,
} from './sft';
import type { TrainingStep } from './trainingStep';

const PAD = 1;
const STOP = 0;
const EXAMPLES: TokenisedExample[] = [
  { prompt: [2], response: [5, 6, STOP] },
  { prompt: [3, 4, 3], response: [7, STOP] },
  { prompt: [4, 2], response: [8, 9, 10, 11, STOP] },
];
const STILL: ImitationSettings = { examples: 0, epochs: 1, batchSize: 3, learningRate: 0 };

async function train(
  gpt: Gpt,
  examples: TokenisedExample[],
  settings: ImitationSettings,
  seed = 1,
  each: (step: TrainingStep) => void = () => undefined,
): Promise<number[]> {
  const optimiser = sftOptimiser(gpt);
  const losses: number[] = [];
  try {
    for await (const step of superviseFineTune(gpt, optimiser, examples, settings, PAD, seed)) {
      losses.push(step.metrics?.['loss'] as number);
      each(step);
    }
  } finally {
    optimiser.dispose();
  }
  return losses;
}

/** Log-probs of an example's response, the example alone. */
function ownLogProbs(gpt: Gpt, { prompt, response }: TokenisedExample): number[] {
  return tf.tidy(() => {
    const batch = padBatch([prompt], [response], PAD, TINY.context);
    const { ids, start } = batchTensors(batch);
    return responseLogProbs(gpt, ids, start, batch.promptLength, 1).logProbs.arraySync()[0] as number[];
  });
}

const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe.each(['cpu', 'wasm'] as const)('supervised fine-tuning on %s', (backend) => {
  beforeAll(async () => {
    await startDevice(backend);
  });

  it('takes its loss over the tokens of the replies, all alike, and over no token of a prompt or of padding', async () => {
    const gpt = tinyGpt(41);
    const [loss] = await train(gpt, EXAMPLES, STILL);
    expect(loss).toBeCloseTo(-mean(EXAMPLES.flatMap((example) => ownLogProbs(gpt, example))), 5);
    disposeGpt(gpt);
  });

  it('learns to say what was demonstrated, and to stop, with every number it reports explained', async () => {
    const before = tf.memory().numTensors;
    const gpt = tinyGpt(42);
    let during = 0;
    const settings = { examples: 0, epochs: 40, batchSize: 2, learningRate: 0.02 };
    const rates: number[] = [];
    const losses = await train(gpt, EXAMPLES, settings, 1, ({ metrics, step, steps }) => {
      during ||= tf.memory().numTensors;
      expect(tf.memory().numTensors).toBe(during);
      expect(steps).toBe(80);
      for (const key of Object.keys(metrics ?? {})) expect(metricInfo('sft', key), key).toBeDefined();
      expect(metrics?.['learning_rate']).toBeCloseTo(0.02 * (1 - (step - 1) / 80), 8);
      rates.push(metrics?.['learning_rate'] as number);
    });
    expect(losses.at(-1)).toBeLessThan(0.05);
    const { responses } = await generateAll(
      gpt,
      EXAMPLES.map(({ prompt }) => prompt),
      { temperature: 0, topK: 0, topP: 1, maxNewTokens: 8, seed: 1, stopToken: STOP, padToken: PAD },
    );
    expect(responses).toEqual(EXAMPLES.map(({ response }) => response));
    disposeGpt(gpt);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('a run of supervised fine-tuning', () => {
  beforeAll(async () => {
    await startDevice('cpu');
  });

  it('sees each example once an epoch, in an order that changes', async () => {
    const gpt = tinyGpt(43);
    const many = Array.from({ length: 8 }, (_, i) => ({ prompt: [2 + i], response: [2 + ((i * 5) % 11), STOP] }));
    const settings = { ...STILL, epochs: 2, batchSize: 1 };
    expect(sftSteps(many.length, settings)).toBe(16);
    const losses = await train(gpt, many, settings);
    const expected = many.map((example) => -mean(ownLogProbs(gpt, example)));
    const sorted = (values: number[]): number[] => [...values].sort((a, b) => a - b);
    for (const epoch of [losses.slice(0, 8), losses.slice(8)]) {
      sorted(epoch).forEach((loss, i) => expect(loss).toBeCloseTo(sorted(expected)[i] as number, 5));
    }
    expect(losses.slice(8)).not.toEqual(losses.slice(0, 8));
    disposeGpt(gpt);
  });

  it('counts the reply tokens that it has seen, also when it goes on after a stop', async () => {
    const gpt = tinyGpt(46);
    const optimiser = sftOptimiser(gpt);
    const settings = { ...STILL, epochs: 2, batchSize: 2 };
    const seen: number[] = [];
    for (const stopAfter of [1, 3, Infinity]) {
      for await (const { metrics } of superviseFineTune(gpt, optimiser, EXAMPLES, settings, PAD, 1)) {
        seen.push(metrics?.['num_tokens'] as number);
        if (optimiser.step >= stopAfter) break;
      }
    }
    const epoch = EXAMPLES.reduce((sum, { response }) => sum + response.length, 0);
    expect([seen.length, seen[1], seen[3]]).toEqual([4, epoch, 2 * epoch]);
    optimiser.dispose();
    disposeGpt(gpt);
  });

  it('with the same seed gives the same weights, and other weights with another', async () => {
    const weights = async (seed: number): Promise<number[]> => {
      const gpt = tinyGpt(44);
      await train(gpt, EXAMPLES, { ...STILL, epochs: 2, batchSize: 1, learningRate: 0.01 }, seed);
      const read = [...(gpt.parameters.get('transformer.wte.weight') as tf.Variable).dataSync()];
      disposeGpt(gpt);
      return read;
    };
    expect(await weights(5)).toEqual(await weights(5));
    expect(await weights(5)).not.toEqual(await weights(6));
  });

  it('stops with an error where the loss is not a number', async () => {
    const gpt = tinyGpt(45);
    tf.tidy(() => gpt.parameters.get('transformer.ln_f.bias')?.assign(tf.fill([TINY.width], NaN)));
    await expect(train(gpt, EXAMPLES, STILL)).rejects.toThrow(NonFiniteError);
    disposeGpt(gpt);
  });
});

describe('SFT on demonstrations', () => {
  it('takes the rate that is given for nano in inverse proportion to the width', async () => {
    await startDevice('cpu');
    const gpt = tinyGpt(3);
    const optimiser = sftOptimiser(gpt);
    const settings = { ...STILL, learningRate: 1e-3 };
    const rates: number[] = [];
    for await (const { metrics } of fineTuneOnDemonstrations(gpt, optimiser, EXAMPLES, settings, PAD, 1))
      rates.push(metrics?.['learning_rate'] as number);
    optimiser.dispose();
    disposeGpt(gpt);
    expect(rates).toEqual([1e-3 * (64 / TINY.width)]);
  });
});
