import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PRESETS } from '../config';
import { CheckpointError } from '../errors';
import { startDevice } from '../gpu/device';
import {
  assignVariables,
  fromGpt2Config,
  gptFrom,
  loadGpt,
  readVariables,
  saveVariables,
  scalarModelOf,
  toGpt2Config,
} from './checkpoint';
import { disposeGpt, type Gpt } from './gpt';
import { readSafetensors, type StoredTensor, writeSafetensors } from './safetensors';
import { disposeScalarModel, HEAD_BIAS, scalarModelFrom, scalarParameters } from './scalarHead';
import { TINY, tinyGpt } from './tinyGpt';

type Stored = Map<string, StoredTensor>;
const LAST = 'transformer.ln_f.bias';

/** The tensors of a model with one of them changed. */
function changed(
  tensors: ReadonlyMap<string, StoredTensor>,
  name: string,
  by: (tensor: StoredTensor) => StoredTensor | null,
): Stored {
  const copy = new Map(tensors);
  const tensor = by(copy.get(name) as StoredTensor);
  if (tensor) copy.set(name, tensor);
  else copy.delete(name);
  return copy;
}

/** Files that are whole as files, but not of this model. */
const WRONG: [string, string, (tensors: Stored) => Stored][] = [
  ['a tensor is missing', 'ln_f', (tensors) => changed(tensors, LAST, () => null)],
  [
    'a tensor has another shape',
    'ln_f',
    (tensors) => changed(tensors, LAST, () => ({ shape: [TINY.width + 1], values: new Float32Array(TINY.width + 1) })),
  ],
  [
    'a matrix is transposed',
    'c_fc',
    (tensors) =>
      changed(tensors, 'transformer.h.0.mlp.c_fc.weight', ({ shape, values }) => ({
        shape: shape.toReversed(),
        values,
      })),
  ],
  [
    'a number is NaN',
    'NaN',
    (tensors) =>
      changed(tensors, LAST, ({ shape, values }) => ({ shape, values: values.map((x, i) => (i === 3 ? NaN : x)) })),
  ],
  [
    'a number is infinite',
    'Infinity',
    (tensors) => changed(tensors, LAST, ({ shape, values }) => ({ shape, values: values.map(() => Infinity) })),
  ],
];

describe.each(['cpu', 'wasm'] as const)('checkpoints on %s', (backend) => {
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

  it('load what was saved, to the last bit, under GPT-2 names', async () => {
    gpt = tinyGpt(31);
    const bytes = await saveVariables(gpt.parameters, { step: '4' });
    const loaded = loadGpt(TINY, bytes);
    expect(await readVariables(loaded.parameters)).toEqual(await readVariables(gpt.parameters));
    expect(readSafetensors(bytes).metadata['step']).toBe('4');
    disposeGpt(loaded);
  });

  it('load from files whose names lack "transformer."', async () => {
    gpt = tinyGpt(32);
    const tensors = await readVariables(gpt.parameters);
    const bare = new Map([...tensors].map(([name, tensor]) => [name.replace('transformer.', ''), tensor]));
    const loaded = gptFrom(TINY, bare);
    expect(await readVariables(loaded.parameters)).toEqual(tensors);
    disposeGpt(loaded);
  });

  it.each(WRONG)('are refused where %s, and leave no tensor behind', async (_what, named, damage) => {
    gpt = tinyGpt(33);
    const count = tf.memory().numTensors;
    const damaged = damage(await readVariables(gpt.parameters));
    expect(() => gptFrom(TINY, damaged)).toThrow(CheckpointError);
    expect(() => gptFrom(TINY, damaged)).toThrow(named);
    expect(tf.memory().numTensors).toBe(count);
  });

  it.each(WRONG)('change nothing of the model in use where %s', async (_what, _named, damage) => {
    gpt = tinyGpt(34);
    const own = await readVariables(gpt.parameters);
    const other = tinyGpt(35);
    const damaged = damage(await readVariables(other.parameters));
    disposeGpt(other);
    expect(() => assignVariables(gpt.parameters, { tensors: damaged })).toThrow(CheckpointError);
    expect(await readVariables(gpt.parameters)).toEqual(own);
  });

  it('of another size of model, or cut short, are refused', async () => {
    gpt = tinyGpt(36);
    const bytes = await saveVariables(gpt.parameters);
    const count = tf.memory().numTensors;
    expect(() => loadGpt({ ...TINY, layers: 3 }, bytes)).toThrow(CheckpointError);
    expect(() => loadGpt({ ...TINY, vocabulary: 14 }, bytes)).toThrow(CheckpointError);
    expect(() => loadGpt(TINY, bytes.slice(0, bytes.byteLength - 4))).toThrow(CheckpointError);
    expect(tf.memory().numTensors).toBe(count);
  });

  it('of scalar models hold trunk and head, and a head without its bias leaves nothing behind', async () => {
    gpt = tinyGpt(37);
    const model = scalarModelFrom(gpt, 1);
    const tensors = await readVariables(scalarParameters(model));
    const loaded = scalarModelOf(TINY, readSafetensors(writeSafetensors(tensors)).tensors);
    expect(await readVariables(scalarParameters(loaded))).toEqual(tensors);
    const count = tf.memory().numTensors;
    expect(() =>
      scalarModelOf(
        TINY,
        changed(tensors, HEAD_BIAS, () => null),
      ),
    ).toThrow(CheckpointError);
    expect(() =>
      scalarModelOf(
        TINY,
        changed(tensors, LAST, () => null),
      ),
    ).toThrow(CheckpointError);
    expect(tf.memory().numTensors).toBe(count);
    disposeScalarModel(model);
    disposeScalarModel(loaded);
  });

  it('give weights that are their own: assigning to them does not change the file', async () => {
    gpt = tinyGpt(38);
    const tensors = await readVariables(gpt.parameters);
    const copy = structuredClone(tensors);
    const loaded = gptFrom(TINY, tensors);
    tf.tidy(() => {
      for (const parameter of loaded.parameters.values()) parameter.assign(tf.zerosLike(parameter));
    });
    expect(tensors).toEqual(copy);
    disposeGpt(loaded);
  });
});

describe("GPT-2's configuration", () => {
  it('holds the shape of every preset', () => {
    for (const shape of Object.values(PRESETS)) expect(fromGpt2Config(toGpt2Config(shape))).toEqual(shape);
  });
});
