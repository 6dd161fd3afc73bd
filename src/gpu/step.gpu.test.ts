import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { CaptureError } from '../errors';
import { startDevice } from './device';
import { memory } from './memory';
import { Step } from './step';

const floats = (...values: number[]): { values: Float32Array; shape: number[] } => ({
  values: Float32Array.from(values),
  shape: [values.length],
});

describe('a recorded step', () => {
  beforeAll(async () => {
    await startDevice('webgpu');
  });

  it('gives what it gives when run plainly, for the inputs of each run and the variables of that moment', async () => {
    const weight = tf.variable(tf.tensor1d([1, 2, 3]));
    const step = new Step<'x' | 'scale'>(
      'scaled softmax',
      ({ x, scale }) => {
        const scaled = tf.mul(tf.mul(x, weight), scale);
        return [tf.softmax(scaled), tf.cast(tf.argMax(scaled), 'int32')];
      },
      () => [weight],
    );
    for (const [x, scale] of [
      [floats(1, 1, 1), floats(1)],
      [floats(3, 0.2, -1), floats(0.5)],
      [floats(0, 2, 7), floats(-1)],
    ] as const) {
      const replayed = await step.read({ x, scale });
      expect(replayed).toEqual(await step.runPlainly({ x, scale })());
    }
    tf.tidy(() => weight.assign(tf.tensor1d([-1, 5, 0.5])));
    const after = { x: floats(1, 1, 1), scale: floats(1) };
    expect(await step.read(after)).toEqual(await step.runPlainly(after)());
    step.dispose();
    weight.dispose();
  });

  it('is recorded once for each set of shapes', async () => {
    const step = new Step<'x'>(
      'sum',
      ({ x }) => [tf.sum(x)],
      () => [],
    );
    for (const values of [
      [1, 2],
      [3, 4],
      [1, 2, 3],
    ]) {
      const [sum] = await step.read({ x: floats(...values) });
      expect(sum?.[0]).toBe(values.reduce((a, b) => a + b));
    }
    expect(step.tapes.length).toBe(2);
    step.dispose();
  });

  it('may be replayed many times before the first result is read', async () => {
    const step = new Step<'x'>(
      'square',
      ({ x }) => [tf.square(x)],
      () => [],
    );
    const readers = [1, 2, 3, 4, 5].map((x) => step.run({ x: floats(x) }));
    const results = await Promise.all(readers.map((read) => read()));
    expect(results.map(([y]) => y?.[0])).toEqual([1, 4, 9, 16, 25]);
    step.dispose();
  });

  it('keeps the bytes of the GPU the same, and gives them back', async () => {
    const before = memory();
    const step = new Step<'x'>(
      'softmax',
      ({ x }) => [tf.softmax(tf.add(x, 1))],
      () => [],
    );
    await step.read({ x: floats(1, 2, 3) });
    const once = memory();
    for (let i = 0; i < 20; i++) await step.read({ x: floats(i, 2, 3) });
    expect(memory()).toEqual(once);
    step.dispose();
    expect(memory()).toEqual(before);
  });

  it('can be thrown away before its last results are read', async () => {
    const before = memory();
    const step = new Step<'x'>(
      'square',
      ({ x }) => [tf.square(x)],
      () => [],
    );
    const first = await step.read({ x: floats(2) });
    const reading = step.run({ x: floats(3) });
    const later = step.run({ x: floats(4) })();
    step.dispose();
    const results = [first, await reading(), await later];
    expect(results.map(([y]) => y?.[0])).toEqual([4, 9, 16]);
    expect(memory()).toEqual(before);
  });

  it.each([
    [
      'reads a result on the host',
      ({ x }: Record<'x', tf.Tensor>) => [tf.mul(x, (tf.square(x).dataSync()[0] ?? 0) + 1)],
    ],
  ])('refuses a body that %s, by name, and leaves the device as it was', async (_, body) => {
    const before = memory();
    const step = new Step('bad', body, () => []);
    expect(() => step.run({ x: floats(1, 2) })).toThrow(CaptureError);
    expect(() => step.run({ x: floats(1, 2) })).toThrow(/"bad" cannot be recorded: a result was read on the host/);
    expect(memory()).toEqual(before);
    expect(await tf.square(tf.tensor1d([3])).data()).toEqual(Float32Array.of(9));
  });
});
