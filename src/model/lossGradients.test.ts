import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { gradientsOf, lossGradients, readScalars } from './lossGradients';

describe.each(['cpu', 'wasm'] as const)('lossGradients on %s', (backend) => {
  beforeAll(async () => {
    await startDevice(backend);
  });

  it('gives loss, gradients by our names and statistics, and nothing else stays', async () => {
    const before = tf.memory().numTensors;
    const parameters = new Map<string, tf.Variable>([
      ['a', tf.variable(tf.tidy(() => tf.tensor1d([1, -2])))],
      ['b', tf.variable(tf.tidy(() => tf.scalar(3)))],
    ]);
    const { loss, statistics, gradients } = lossGradients(parameters, () => {
      const [a, b] = [parameters.get('a') as tf.Tensor1D, parameters.get('b') as tf.Variable as tf.Scalar];
      const squares = tf.square(a);
      return { loss: tf.mul(tf.sum(squares), b) as tf.Scalar, statistics: squares as tf.Tensor1D };
    });
    expect([...statistics.dataSync()]).toEqual([1, 4]);
    expect([...(gradients.get('a') as tf.Tensor).dataSync()]).toEqual([6, -12]);
    expect([...(gradients.get('b') as tf.Tensor).dataSync()]).toEqual([5]);
    expect((await readScalars({ loss })).loss).toBe(15);
    tf.dispose([statistics, ...gradients.values(), ...parameters.values()]);
    expect(tf.memory().numTensors).toBeLessThanOrEqual(before + 2); // the two literals that the variables copied
  });

  it('without statistics gives the same gradients', () => {
    const a = tf.tidy(() => tf.variable(tf.tensor1d([2])));
    const before = tf.memory().numTensors;
    const { loss, gradients } = gradientsOf(new Map([['a', a]]), () => tf.sum(tf.pow(a, 3)) as tf.Scalar);
    expect([...(gradients.get('a') as tf.Tensor).dataSync()][0]).toBeCloseTo(12, 4);
    tf.dispose([loss, ...gradients.values()]);
    expect(tf.memory().numTensors).toBe(before);
    a.dispose();
  });

  it('reads scalars in one go and lets them go', async () => {
    const before = tf.memory().numTensors;
    expect(await readScalars({ loss: tf.scalar(1.5), norm: tf.scalar(-2) })).toEqual({ loss: 1.5, norm: -2 });
    expect(tf.memory().numTensors).toBe(before);
  });
});
