import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { ModelShape } from '../config';
import { BufferPool } from '../gpu/bufferPool';
import { startDevice } from '../gpu/device';
import { type HostTensor, Step } from '../gpu/step';
import { batchInputs, padBatch } from '../model/batch';
import { disposeGpt, type Gpt } from '../model/gpt';
import { gradientsOf } from '../model/lossGradients';
import { responseLogProbs } from '../model/responseLogProbs';
import { tinyGpt } from '../model/tinyGpt';
import type { AdamW } from '../ops/adamw';
import '../ops/webgpuKernels';
import { pretrainingOptimiser, pretrainingStep, windowBatch } from './pretraining';
import { sftInputs, sftOptimiser, sftStep } from './sft';

/** So narrow and shallow that no other tensor comes near logits of all rows. */
const SHAPE: ModelShape = { layers: 1, width: 8, heads: 2, context: 40, vocabulary: 333 };
const [ROWS, LENGTH] = [9, 32];
/** Of responses; windows have as many tokens as prompt and response. */
const RESPONSE = 24;

const token = (i: number): number => 2 + ((i * 7 + ((i * i) % 11)) % (SHAPE.vocabulary - 2));
const tokens = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => token(from + i));

const batch = padBatch(
  Array.from({ length: ROWS }, (_, row) => tokens(row, LENGTH - RESPONSE - (row % 3))),
  Array.from({ length: ROWS }, (_, row) => tokens(3 * row, RESPONSE - (row % 5))),
  0,
  SHAPE.context,
  { multiple: 8 },
);
const numbersOf = (optimiser: AdamW): HostTensor => ({ values: optimiser.advance(1e-2), shape: [3] });

interface Case {
  /** Rows whose logits are asked for. */
  rows: number;
  step: Step<string>;
  inputs: () => Record<string, HostTensor>;
  /** Null where the step gives its gradients itself. */
  optimiser: AdamW | null;
}

const CASES: Record<string, (gpt: Gpt) => Case> = {
  pretraining: (gpt) => {
    const optimiser = pretrainingOptimiser(gpt);
    const windows = windowBatch(Int32Array.from(tokens(0, ROWS * (LENGTH + 1))), LENGTH + 1);
    return {
      rows: ROWS * LENGTH,
      step: pretrainingStep(gpt, optimiser),
      inputs: () => ({ ...windows, numbers: numbersOf(optimiser) }),
      optimiser,
    };
  },
  'fine-tuning': (gpt) => {
    const optimiser = sftOptimiser(gpt);
    return {
      rows: ROWS * RESPONSE,
      step: sftStep(gpt, optimiser),
      inputs: () => ({ ...sftInputs(batch), numbers: numbersOf(optimiser) }),
      optimiser,
    };
  },
  'log-probs and entropies of responses': (gpt) => ({
    rows: ROWS * RESPONSE,
    step: new Step<string>(
      'log-probs and entropies of responses',
      ({ ids, start }) => {
        const outputs: tf.Tensor[] = [];
        const { gradients } = gradientsOf(gpt.parameters, () => {
          const { logProbs, entropy } = responseLogProbs(
            gpt,
            ids as tf.Tensor2D,
            start as tf.Tensor1D,
            LENGTH - RESPONSE,
            0.7,
          );
          outputs.push(tf.keep(logProbs), tf.keep(entropy));
          return tf.add(tf.mean(tf.mul(logProbs, logProbs)), tf.mean(entropy));
        });
        return [...outputs, ...gradients.values()];
      },
      () => gpt.parameters.values(),
    ),
    inputs: () => batchInputs(batch) as Record<string, HostTensor>,
    optimiser: null,
  }),
};

interface Outcome {
  /** What the step gave, then first moments, which are its gradients times one number. */
  values: (Float32Array | Int32Array)[];
  /** Bytes of the largest buffer that it asked the pool of the device for. */
  largest: number;
  logitsBytes: number;
}

async function outcomeOf(name: string, maxLogitsBytes: number | undefined, plainly: boolean): Promise<Outcome> {
  const gpt: Gpt = { ...tinyGpt(5, SHAPE), ...(maxLogitsBytes !== undefined && { maxLogitsBytes }) };
  const { rows, step, inputs, optimiser } = CASES[name]!(gpt);
  const asked = vi.spyOn(BufferPool.prototype, 'acquireBuffer');
  const read = plainly ? step.runPlainly(inputs()) : step.run(inputs());
  const largest = Math.max(...asked.mock.calls.map(([size]) => size));
  asked.mockRestore();
  const values = await read();
  for (const [key, moment] of optimiser?.moments() ?? []) {
    if (key.startsWith('adam.m.')) values.push(await moment.data<'float32'>());
  }
  step.dispose();
  optimiser?.dispose();
  disposeGpt(gpt);
  return { values, largest, logitsBytes: 4 * rows * SHAPE.vocabulary };
}

/** Largest difference, as a part of the largest number. */
function deviation(came: Float32Array | Int32Array, expected: Float32Array | Int32Array): number {
  let [difference, size] = [0, 0];
  expected.forEach((value, i) => {
    difference = Math.max(difference, Math.abs(value - (came[i] as number)));
    size = Math.max(size, Math.abs(value));
  });
  return difference / size;
}

/** Logits of one block are far below all of them, and far above any other tensor. */
const LIMIT = 4 * 64 * SHAPE.vocabulary;

describe('with a vocabulary whose logits are over the limit', () => {
  beforeAll(async () => {
    await startDevice('webgpu');
  });

  describe.each(Object.keys(CASES))('%s', (name) => {
    it.each([
      ['recorded', false],
      ['plainly', true],
    ] as const)('stores no tensor as large as all logits, run %s', async (_, plainly) => {
      const streamed = await outcomeOf(name, LIMIT, plainly);
      expect(streamed.largest).toBeGreaterThanOrEqual(LIMIT);
      expect(streamed.largest).toBeLessThan(streamed.logitsBytes);
    });

    it('gives the loss and the gradients of the whole head, which stores them', async () => {
      const whole = await outcomeOf(name, undefined, false);
      const streamed = await outcomeOf(name, LIMIT, false);
      expect(whole.largest).toBeGreaterThanOrEqual(whole.logitsBytes);
      expect(streamed.values.length).toBe(whole.values.length);
      streamed.values.forEach((values, i) => {
        expect(deviation(values, whole.values[i]!), `result ${i}`).toBeLessThan(1e-4);
      });
    });
  });
});
