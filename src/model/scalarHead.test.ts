import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { disposeGpt, hiddenStates } from './gpt';
import {
  cloneScalarModel,
  disposeScalarModel,
  HEAD_BIAS,
  HEAD_WEIGHT,
  scalarModelFrom,
  scalarParameters,
  scalars,
} from './scalarHead';
import { TINY, tinyGpt } from './tinyGpt';

describe.each(['cpu', 'wasm'] as const)('a scalar model on %s', (backend) => {
  beforeAll(async () => {
    await startDevice(backend);
  });

  it('gives each position the head applied to its hidden state', () => {
    const gpt = tinyGpt(21);
    const model = scalarModelFrom(gpt, 1);
    const apart = tf.tidy(() => {
      model.bias.assign(tf.tensor1d([0.25]));
      const ids = tf.tensor2d(
        [
          [4, 5, 6],
          [1, 7, 8],
        ],
        undefined,
        'int32',
      );
      const start = tf.tensor1d([0, 1], 'int32');
      const hidden = tf.reshape(hiddenStates(gpt, ids, start), [6, TINY.width]);
      const expected = tf.add(tf.reshape(tf.matMul(hidden as tf.Tensor2D, model.weight), [2, 3]), 0.25);
      return tf.max(tf.abs(tf.sub(scalars(model, ids, start), expected))).arraySync();
    });
    expect(apart).toBeLessThan(1e-5);
    disposeScalarModel(model);
    disposeGpt(gpt);
  });

  it('starts with a head of N(0, 1 / sqrt(C + 1)) and no bias, the same for the same seed', () => {
    const gpt = tinyGpt(22, { ...TINY, width: 512, layers: 1 });
    const [one, same, other] = [1, 1, 2].map((seed) => scalarModelFrom(gpt, seed)) as [
      ReturnType<typeof scalarModelFrom>,
      ReturnType<typeof scalarModelFrom>,
      ReturnType<typeof scalarModelFrom>,
    ];
    const weights = [...one.weight.dataSync()];
    expect(Math.hypot(...weights) / Math.sqrt(512)).toBeCloseTo(1 / Math.sqrt(513), 2);
    expect([...same.weight.dataSync()]).toEqual(weights);
    expect([...other.weight.dataSync()]).not.toEqual(weights);
    expect([...one.bias.dataSync()]).toEqual([0]);
    for (const model of [one, same, other]) disposeScalarModel(model);
    disposeGpt(gpt);
  });

  it('is a copy: neither the trunk it came from nor a clone changes with it, and all is let go', () => {
    const before = tf.memory().numTensors;
    const gpt = tinyGpt(23);
    const model = scalarModelFrom(gpt, 1);
    const clone = cloneScalarModel(model);
    const name = 'transformer.wte.weight';
    const read = (variable: tf.Variable | undefined): number[] => [...(variable as tf.Variable).dataSync()];
    const original = read(gpt.parameters.get(name));
    const head = read(model.weight);
    tf.tidy(() => {
      for (const variable of scalarParameters(model).values()) variable.assign(tf.add(variable, 1));
    });
    expect(read(gpt.parameters.get(name))).toEqual(original);
    expect(read(clone.trunk.parameters.get(name))).toEqual(original);
    expect(read(clone.weight)).toEqual(head);
    expect([...scalarParameters(model).keys()].slice(-2)).toEqual([HEAD_WEIGHT, HEAD_BIAS]);
    disposeScalarModel(model);
    disposeScalarModel(clone);
    disposeGpt(gpt);
    expect(tf.memory().numTensors).toBe(before);
  });
});
