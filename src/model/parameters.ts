/**
 * Names, shapes and first values of a GPT's weights. Names and layouts are those of Hugging Face's GPT-2: matrices of
 * the blocks are (in, out).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelShape } from '../config';
import { normalSamples } from '../ops/counterRandom';

export type ParameterName =
  | 'transformer.wte.weight'
  | 'transformer.wpe.weight'
  | 'transformer.ln_f.weight'
  | 'transformer.ln_f.bias'
  | `transformer.h.${number}.${'ln_1' | 'ln_2' | 'attn.c_attn' | 'attn.c_proj' | 'mlp.c_fc' | 'mlp.c_proj'}.${'weight' | 'bias'}`;

/** Every parameter's shape, in the order in which a checkpoint holds them. */
export function parameterShapes({ layers, width, context, vocabulary }: ModelShape): Map<ParameterName, number[]> {
  const shapes = new Map<ParameterName, number[]>([
    ['transformer.wte.weight', [vocabulary, width]],
    ['transformer.wpe.weight', [context, width]],
  ]);
  for (let layer = 0; layer < layers; layer++) {
    const h = `transformer.h.${layer}` as const;
    const linear = (
      name: 'attn.c_attn' | 'attn.c_proj' | 'mlp.c_fc' | 'mlp.c_proj',
      from: number,
      to: number,
    ): void => {
      shapes.set(`${h}.${name}.weight`, [from, to]);
      shapes.set(`${h}.${name}.bias`, [to]);
    };
    const norm = (name: 'ln_1' | 'ln_2'): void => {
      shapes.set(`${h}.${name}.weight`, [width]);
      shapes.set(`${h}.${name}.bias`, [width]);
    };
    norm('ln_1');
    linear('attn.c_attn', width, 3 * width);
    linear('attn.c_proj', width, width);
    norm('ln_2');
    linear('mlp.c_fc', width, 4 * width);
    linear('mlp.c_proj', 4 * width, width);
  }
  shapes.set('transformer.ln_f.weight', [width]);
  shapes.set('transformer.ln_f.bias', [width]);
  return shapes;
}

/** GPT-2's initialisation: N(0, 0.02), the projections into the residual stream smaller by sqrt(2 L), biases 0. */
const INITIAL_DEVIATION = 0.02;

/**
 * Fresh weights.
 * @param seed unsigned 32-bit; the same seed gives the same weights on every backend
 */
export function initialParameters(shape: ModelShape, seed: number): Map<ParameterName, tf.Variable> {
  const parameters = new Map<ParameterName, tf.Variable>();
  let stream = 0;
  for (const [name, dims] of parameterShapes(shape)) {
    const size = dims.reduce((product, dim) => product * dim, 1);
    const values = initialValues(name, size, shape.layers, seed, stream++);
    parameters.set(
      name,
      tf.tidy(() => tf.variable(tf.tensor(values, dims))),
    );
  }
  return parameters;
}

function initialValues(name: ParameterName, size: number, layers: number, seed: number, stream: number): Float32Array {
  if (name.endsWith('.bias')) return new Float32Array(size);
  if (name.includes('.ln_')) return new Float32Array(size).fill(1);
  const deviation = name.includes('c_proj') ? INITIAL_DEVIATION / Math.sqrt(2 * layers) : INITIAL_DEVIATION;
  return normalSamples(size, seed, stream).map((z) => z * deviation);
}
