import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CheckpointError } from '../errors';
import { startDevice } from '../gpu/device';
import { readVariables } from '../model/checkpoint';
import { disposeGpt, type Gpt } from '../model/gpt';
import { rewardModelFrom, rewardParameters } from '../model/rewardHead';
import { TINY, tinyGpt } from '../model/tinyGpt';
import { type HostWeights, Models } from './models';

const NAME = 'transformer.wte.weight';

async function weightsOf(seed: number): Promise<HostWeights> {
  const gpt = tinyGpt(seed);
  const weights = await readVariables(gpt.parameters);
  disposeGpt(gpt);
  return weights;
}

const read = (gpt: Gpt | null): number[] => [...(gpt?.parameters.get(NAME)?.dataSync() ?? [])];

describe('the models of a session', () => {
  let models: Models;
  let before = 0;
  beforeEach(async () => {
    await startDevice('cpu');
    before = tf.memory().numTensors;
    models = new Models(TINY);
  });
  afterEach(() => {
    for (const name of ['base', 'sft', 'rewardModel', 'policy'] as const) models.drop(name);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('are none at first, and are reported by where they came from', async () => {
    expect(models.report()).toEqual({ base: 'none', sft: 'none', rewardModel: 'none', policy: 'none' });
    models.load('base', await weightsOf(1), 'shipped');
    models.load('sft', await weightsOf(2), 'trained');
    models.load('policy', await weightsOf(3), 'shipped');
    expect(models.report()).toEqual({ base: 'shipped', sft: 'trained', rewardModel: 'none', policy: 'trained' });
    expect(Object.keys(models.gpts())).toEqual(['base', 'sft', 'policy']);
    expect(models.gpt('base')).not.toBeNull();
    expect([models.rewardModels, models.weights('rewardModel')]).toEqual([[], null]);
  });

  it('have fingerprints that change with their numbers and with nothing else', async () => {
    expect(models.fingerprints()).toEqual({});
    const trained = tinyGpt(1);
    models.load('base', await weightsOf(1), 'shipped');
    models.load(
      'sft',
      new Map([...(await weightsOf(1)), ['moment', { shape: [1], values: Float32Array.of(3) }]]),
      'trained',
    );
    await models.installRewardModels([rewardModelFrom(trained, 1)]);
    const before = models.fingerprints();
    expect(before.sft).toBe(before.base);
    expect(before.rewardModel).not.toBe(before.base);
    tf.tidy(() => trained.parameters.get(NAME)?.assign(tf.zerosLike(trained.parameters.get(NAME) as tf.Variable)));
    await models.install('policy', trained);
    expect(models.fingerprints()).toEqual({ ...before, policy: expect.stringMatching(/^[0-9a-f]{8}$/) as string });
    expect(models.fingerprints().policy).not.toBe(before.sft);
    models.load('sft', await weightsOf(2), 'trained');
    expect(models.fingerprints().sft).not.toBe(before.sft);
  });

  it('replaced by others let the old ones go', async () => {
    models.load('sft', await weightsOf(1), 'shipped');
    const count = tf.memory().numTensors;
    models.load('sft', await weightsOf(2), 'trained');
    expect(tf.memory().numTensors).toBe(count);
    const gpt = tinyGpt(3);
    await models.install('sft', gpt);
    expect(tf.memory().numTensors).toBe(count);
    expect(models.gpt('sft')).toBe(gpt);
    await models.install('sft', gpt); // what is in use already stays in use
    expect(read(models.gpt('sft')).length).toBe(TINY.vocabulary * TINY.width);
  });

  it('stay as they were where a file is of another model', async () => {
    models.load('sft', await weightsOf(1), 'shipped');
    const gpt = models.gpt('sft');
    const [damaged, count] = [new Map(await weightsOf(2)), tf.memory().numTensors];
    damaged.delete('transformer.ln_f.bias');
    expect(() => models.load('sft', damaged, 'trained')).toThrow(CheckpointError);
    expect(models.gpt('sft')).toBe(gpt);
    expect(models.report().sft).toBe('shipped');
    expect(tf.memory().numTensors).toBe(count);
  });

  it('after a lost device are made again from the host, all of them and to the last bit', async () => {
    models.load('base', await weightsOf(1), 'shipped');
    const trunk = tinyGpt(2);
    await models.installRewardModels([rewardModelFrom(trunk, 5)]);
    disposeGpt(trunk);
    const [gpt, rewardModel] = [models.gpt('base'), models.rewardModels[0]];
    const [values, head] = [read(gpt), [...(rewardModel?.weight.dataSync() ?? [])]];
    // A lost device takes its tensors with it.
    if (gpt) disposeGpt(gpt);
    if (rewardModel) tf.dispose([...rewardParameters(rewardModel).values()]);
    models.rebuild();
    expect(models.gpt('base')).not.toBe(gpt);
    expect(read(models.gpt('base'))).toEqual(values);
    expect([...(models.rewardModels[0]?.weight.dataSync() ?? [])]).toEqual(head);
    expect(models.report()).toMatchObject({ base: 'shipped', rewardModel: 'trained' });
  });

  it('attached while they learn keep the host weights that they are given', async () => {
    const [weights, gpt] = [await weightsOf(1), tinyGpt(2)];
    models.attach('policy', gpt, weights);
    expect(models.gpt('policy')).toBe(gpt);
    expect(models.weights('policy')).toBe(weights);
    await models.install('policy', gpt);
    expect([...(models.weights('policy')?.get(NAME)?.values ?? [])]).toEqual(read(gpt));
  });

  it('are forgotten once, and forgetting what is not there does nothing', async () => {
    models.load('sft', await weightsOf(1), 'shipped');
    for (let i = 0; i < 2; i++) models.drop('sft');
    models.drop('rewardModel');
    expect([models.gpt('sft'), models.weights('sft')]).toEqual([null, null]);
  });
});
