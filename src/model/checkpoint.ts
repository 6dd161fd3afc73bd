/**
 * Weights in and out of safetensors, in GPT-2's Hugging Face names.
 *
 * A checkpoint is checked whole before a single weight is replaced, so a bad file leaves the model as it was.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelShape } from '../config';
import { CheckpointError } from '../errors';
import type { Gpt } from './gpt';
import { LIKELIHOOD, type RewardModel } from './rewardHead';
import { HEAD_BIAS, HEAD_WEIGHT, type ScalarModel } from './scalarHead';
import { parameterShapes, type ParameterName } from './parameters';
import {
  readSafetensors,
  writeSafetensors,
  type SafetensorsFile,
  type StoredTensor,
  type StoredType,
} from './safetensors';

/** GPT-2's config.json, as far as we use it. */
export interface Gpt2Config {
  model_type: 'gpt2';
  architectures: string[];
  n_layer: number;
  n_head: number;
  n_embd: number;
  n_positions: number;
  vocab_size: number;
  activation_function: 'gelu_new';
  layer_norm_epsilon: number;
}

export function toGpt2Config({ layers, heads, width, context, vocabulary }: ModelShape): Gpt2Config {
  return {
    model_type: 'gpt2',
    architectures: ['GPT2LMHeadModel'],
    n_layer: layers,
    n_head: heads,
    n_embd: width,
    n_positions: context,
    vocab_size: vocabulary,
    activation_function: 'gelu_new',
    layer_norm_epsilon: 1e-5,
  };
}

export function fromGpt2Config(config: Gpt2Config): ModelShape {
  return {
    layers: config.n_layer,
    heads: config.n_head,
    width: config.n_embd,
    context: config.n_positions,
    vocabulary: config.vocab_size,
  };
}

/** Reads every variable back; one read at a time keeps the peak of memory low. */
export async function readVariables(variables: ReadonlyMap<string, tf.Variable>): Promise<Map<string, StoredTensor>> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, variable] of variables) {
    tensors.set(name, { shape: variable.shape.slice(), values: Float32Array.from(await variable.data<'float32'>()) });
  }
  return tensors;
}

/** Variables as a safetensors file. */
export async function saveVariables(
  variables: ReadonlyMap<string, tf.Variable>,
  metadata: Record<string, string> = {},
  type: StoredType = 'F32',
): Promise<ArrayBuffer> {
  return writeSafetensors(await readVariables(variables), metadata, type);
}

/**
 * Replaces the values of variables by those of a file.
 * @throws CheckpointError before anything was replaced: a tensor missing, of another shape, or not finite
 */
export function assignVariables(
  variables: ReadonlyMap<string, tf.Variable>,
  file: Pick<SafetensorsFile, 'tensors'>,
): void {
  const found: [tf.Variable, StoredTensor][] = [];
  for (const [name, variable] of variables) found.push([variable, expectTensor(file.tensors, name, variable.shape)]);
  for (const [variable, { shape, values }] of found) tf.tidy(() => variable.assign(tf.tensor(values, shape)));
}

/**
 * A GPT from named tensors; names may lack the leading "transformer.".
 * @throws CheckpointError
 */
export function gptFrom(shape: ModelShape, tensors: ReadonlyMap<string, StoredTensor>): Gpt {
  const named = withPrefix(tensors);
  const found = new Map<ParameterName, StoredTensor>();
  for (const [name, dims] of parameterShapes(shape)) found.set(name, expectTensor(named, name, dims));
  const parameters = new Map<ParameterName, tf.Variable>();
  for (const [name, tensor] of found) parameters.set(name, variableFrom(tensor));
  return { shape, parameters };
}

/** A GPT from a safetensors file. */
export const loadGpt = (shape: ModelShape, bytes: ArrayBuffer): Gpt => gptFrom(shape, readSafetensors(bytes).tensors);

/**
 * A value model from named tensors.
 * @throws CheckpointError
 */
export function scalarModelOf(shape: ModelShape, tensors: ReadonlyMap<string, StoredTensor>): ScalarModel {
  const weight = expectTensor(tensors, HEAD_WEIGHT, [shape.width, 1]);
  const bias = expectTensor(tensors, HEAD_BIAS, [1]);
  const trunk = gptFrom(shape, tensors);
  return { trunk, weight: variableFrom(weight), bias: variableFrom(bias) };
}

/**
 * A reward model from named tensors. One without the weight of the likelihood, as from another program, scores by its
 * head alone.
 * @throws CheckpointError
 */
export function rewardModelOf(shape: ModelShape, tensors: ReadonlyMap<string, StoredTensor>): RewardModel {
  const likelihood = tensors.has(LIKELIHOOD)
    ? expectTensor(tensors, LIKELIHOOD, [1])
    : { shape: [1], values: new Float32Array(1) };
  return { ...scalarModelOf(shape, tensors), likelihood: variableFrom(likelihood) };
}

function variableFrom<R extends tf.Rank>({ shape, values }: StoredTensor): tf.Variable<R> {
  return tf.tidy(() => tf.variable(tf.tensor(values, shape as tf.ShapeMap[R])));
}

function withPrefix(tensors: ReadonlyMap<string, StoredTensor>): ReadonlyMap<string, StoredTensor> {
  if (!tensors.has('wte.weight')) return tensors;
  return new Map([...tensors].map(([name, tensor]) => [`transformer.${name}`, tensor]));
}

function expectTensor(
  tensors: ReadonlyMap<string, StoredTensor>,
  name: string,
  shape: readonly number[],
): StoredTensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new CheckpointError(`Expected weights named ${name}, got a file without them.`);
  if (tensor.shape.join() !== shape.join()) {
    throw new CheckpointError(
      `Expected ${name} of shape [${shape.join(', ')}], got [${tensor.shape.join(', ')}]. The file is of another size of model.`,
    );
  }
  const bad = tensor.values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new CheckpointError(`Expected finite weights, got ${tensor.values[bad]} in ${name} at ${bad}.`);
  return tensor;
}
