import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { AdamW, type AdamWOptions } from './adamw';
import './adamw.webgpu';
import { gaussian, type HostArray, largestDifference, startBothBackends } from './backendAgreement';

const SHAPES: Record<string, number[]> = { scalar: [1], odd: [63], bias: [64], weight: [65, 33], big: [300, 256] };
const STEPS = 5;

/** Weights and moments after a few steps on given gradients, and the norms that came back. */
async function train(
  backend: 'cpu' | 'webgpu',
  options: Partial<AdamWOptions>,
  deviation: number,
): Promise<HostArray[]> {
  await tf.setBackend(backend);
  const parameters = new Map(
    Object.entries(SHAPES).map(([name, shape], i) => [
      name,
      tf.variable(tf.tensor(gaussian(shape, i).values, shape), true),
    ]),
  );
  const adamw = new AdamW(parameters, options);
  const norms: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const gradients = new Map(
      Object.entries(SHAPES).map(([name, shape], i) => [
        name,
        tf.tensor(gaussian(shape, 100 * step + i, deviation).values, shape),
      ]),
    );
    const norm = adamw.apply(gradients, 0.01);
    norms.push((await norm.data())[0] as number);
    norm.dispose();
  }
  const results: HostArray[] = [{ shape: [STEPS], dtype: 'float32', values: Float32Array.from(norms) }];
  for (const variable of [...parameters.values(), ...adamw.moments().values()]) {
    results.push({ shape: variable.shape, dtype: 'float32', values: await variable.data<'float32'>() });
    variable.dispose();
  }
  return results;
}

describe('AdamW on WebGPU', () => {
  beforeAll(startBothBackends);

  const cases: [string, Partial<AdamWOptions>, number][] = [
    ['the TensorFlow 1 form, clipped', { form: 'tf1', maxGradNorm: 1 }, 1],
    ['the PyTorch form with decay, clipped', { form: 'torch', maxGradNorm: 0.5, weightDecay: 0.1 }, 1],
    ['a gradient below the limit', { form: 'tf1', maxGradNorm: 1 }, 1e-4],
    ['no limit', { form: 'torch', maxGradNorm: Infinity }, 1],
  ];
  it.each(cases)('agrees with the host over five steps: %s', async (_name, options, deviation) => {
    const expected = await train('cpu', options, deviation);
    const came = await train('webgpu', options, deviation);
    const relativeNorm = largestDifference(expected[0]!, came[0]!) / (expected[0]!.values[0] as number);
    expect(relativeNorm).toBeLessThan(2e-6);
    expected
      .slice(1)
      .forEach((array, i) => expect(largestDifference(array, came[i + 1]!), `array ${i}`).toBeLessThan(2e-6));
  });

  it('keeps the same number of tensors and bytes over many steps', async () => {
    await tf.setBackend('webgpu');
    const parameters = new Map([['w', tf.variable(tf.zeros([65, 33]), true)]]);
    const adamw = new AdamW(parameters);
    const step = async (): Promise<void> => {
      const norm = adamw.apply(new Map([['w', tf.fill([65, 33], 0.1)]]), 0.01);
      await norm.data();
      norm.dispose();
    };
    for (let i = 0; i < 3; i++) await step();
    const before = tf.memory() as tf.MemoryInfo & { numBytesAllocatedInGPU: number };
    for (let i = 0; i < 50; i++) await step();
    const after = tf.memory() as typeof before;
    expect(after.numTensors).toBe(before.numTensors);
    expect(after.numBytesAllocatedInGPU).toBe(before.numBytesAllocatedInGPU);
  });
});
