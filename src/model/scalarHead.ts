/**
 * A GPT with a scalar head on its hidden states: the reward model (one score a reply) and the value model (one value a
 * token) are both of this form. Stiennon et al. 2020, section 3.4; head initialised as there, N(0, 1 / sqrt(C + 1)).
 */
import * as tf from '@tensorflow/tfjs-core';
import { normalSamples } from '../ops/counterRandom';
import { scalarProjection } from '../ops/scalarProjection';
import { cloneGpt, disposeGpt, hiddenStates, type Gpt } from './gpt';

export interface ScalarModel {
  readonly trunk: Gpt;
  /** [C, 1] */
  readonly weight: tf.Variable<tf.Rank.R2>;
  /** [1] */
  readonly bias: tf.Variable<tf.Rank.R1>;
}

/** Names of the head in a checkpoint, as in GPT2ForSequenceClassification (which has no bias). */
export const HEAD_WEIGHT = 'score.weight';
export const HEAD_BIAS = 'score.bias';

/** A scalar model on a copy of `trunk`. */
export function scalarModelFrom(trunk: Gpt, seed: number): ScalarModel {
  const width = trunk.shape.width;
  const values = normalSamples(width, seed, 0x5ca1a).map((z) => z / Math.sqrt(width + 1));
  return {
    trunk: cloneGpt(trunk),
    weight: tf.tidy(() => tf.variable(tf.tensor2d(values, [width, 1]))),
    bias: tf.tidy(() => tf.variable(tf.tensor1d([0]))),
  };
}

/** A head of zeros on `trunk` itself, as lm-human-preferences starts its value model: it expects nothing of any state. */
export function blankHead(trunk: Gpt): ScalarModel {
  return {
    trunk,
    weight: tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R2>([trunk.shape.width, 1]))),
    bias: tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R1>([1]))),
  };
}

/** Lets go of the head alone; the trunk is another's. */
export function disposeHead({ weight, bias }: ScalarModel): void {
  weight.dispose();
  bias.dispose();
}

/** A copy with variables of its own. */
export function cloneScalarModel(model: ScalarModel): ScalarModel {
  return {
    trunk: cloneGpt(model.trunk),
    weight: tf.tidy(() => tf.variable(tf.add(model.weight, 0))),
    bias: tf.tidy(() => tf.variable(tf.add(model.bias, 0))),
  };
}

/**
 * One scalar a position.
 * @param ids [B, T] int32
 * @returns [B, T]
 */
export function scalars(model: ScalarModel, ids: tf.Tensor2D, start: tf.Tensor1D): tf.Tensor2D {
  return scalarsFrom(model, hiddenStates(model.trunk, ids, start));
}

/**
 * The head alone.
 * @param hidden [B, T, C] of the trunk
 * @returns [B, T]
 */
export function scalarsFrom(model: ScalarModel, hidden: tf.Tensor3D): tf.Tensor2D {
  return scalarProjection(hidden, model.weight, model.bias);
}

/**
 * One scalar a position, for some positions alone.
 * @param first of them
 * @param mask [B, R] of the last R columns: what it leaves out need not be computed
 * @returns [B, count]
 */
export function someScalars(
  model: ScalarModel,
  ids: tf.Tensor2D,
  start: tf.Tensor1D,
  first: number,
  count: number,
  mask?: tf.Tensor2D,
): tf.Tensor2D {
  return scalarProjection(hiddenStates(model.trunk, ids, start, mask), model.weight, model.bias, first, count);
}

/** The head's variables by name. */
export const headParameters = ({ weight, bias }: ScalarModel): Map<string, tf.Variable> =>
  new Map<string, tf.Variable>([
    [HEAD_WEIGHT, weight],
    [HEAD_BIAS, bias],
  ]);

/** All trainable variables by name. */
export function scalarParameters(model: ScalarModel): Map<string, tf.Variable> {
  return new Map<string, tf.Variable>([...model.trunk.parameters, ...headParameters(model)]);
}

export function disposeScalarModel(model: ScalarModel): void {
  disposeGpt(model.trunk);
  model.weight.dispose();
  model.bias.dispose();
}
