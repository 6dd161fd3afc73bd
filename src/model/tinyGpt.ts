/** For tests: a model that takes milliseconds and still has something of everything. */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelShape } from '../config';
import { normalSamples } from '../ops/counterRandom';
import type { Gpt } from './gpt';
import { type ParameterName, parameterShapes } from './parameters';

export const TINY: ModelShape = { layers: 2, width: 16, heads: 2, context: 24, vocabulary: 13 };

/** Larger than GPT-2's 0.02, so that the model has opinions and no part of it is lost in rounding. */
const DEVIATION = 0.3;

/** Random weights, biases and norms included; the caller disposes it. */
export function tinyGpt(seed: number, shape: ModelShape = TINY): Gpt {
  const parameters = new Map<ParameterName, tf.Variable>();
  for (const [name, dims] of parameterShapes(shape)) {
    const size = dims.reduce((product, dim) => product * dim, 1);
    const centre = name.includes('.ln_') && name.endsWith('.weight') ? 1 : 0;
    const values = normalSamples(size, seed, parameters.size).map((z) => centre + DEVIATION * z);
    parameters.set(
      name,
      tf.tidy(() => tf.variable(tf.tensor(values, dims))),
    );
  }
  return { shape, parameters };
}
