/**
 * jax-js: the same GPT, its whole step (loss, gradients, Adam) in one `jit`. Every use of an array but the last is a
 * `.ref`, since a function consumes what it is given.
 */
import { defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { LAYER_NORM_EPSILON, type ModelShape } from '../../../src/config';
import { initialParameters } from '../../../src/model/parameters';
import type { TokenWindows } from '../../../src/rlhf/pretraining';
import type { Contender } from '../contender';
import { ADAM, inputsAndTargets, tokenWindows, type TrainingWork } from '../work';

type Arrays = Record<string, np.Array>;
type Step = (
  parameters: Arrays,
  m: Arrays,
  v: Arrays,
  inputs: np.Array,
  targets: np.Array,
  corrections: np.Array,
) => [np.Array, Arrays, Arrays, Arrays];

interface Training {
  work: TrainingWork;
  windows: TokenWindows;
  step: Step & { dispose(): void };
  parameters: Arrays;
  m: Arrays;
  v: Arrays;
  done: number;
}

export class JaxJs implements Contender {
  #training: Training | null = null;

  async start(): Promise<void> {
    const devices = await init('webgpu');
    if (!devices.includes('webgpu')) throw new Error('jax-js did not start its WebGPU backend.');
    defaultDevice('webgpu');
  }

  async prepareTraining(work: TrainingWork): Promise<void> {
    const parameters = await firstWeights(work);
    const zeros = (): Arrays =>
      Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, np.zeros(shape)]));
    this.#training = {
      work,
      windows: tokenWindows(work),
      step: jit(trainingStep(work)) as Training['step'],
      parameters,
      m: zeros(),
      v: zeros(),
      done: 0,
    };
  }

  async trainStep(): Promise<number> {
    const training = this.#training;
    if (!training) throw new Error('Nothing was prepared.');
    const { work, windows, step } = training;
    training.done += 1;
    const { inputs, targets } = inputsAndTargets(windows.next(work.batch), work.batch);
    const tokens = (values: Int32Array<ArrayBuffer>): np.Array => np.array(values, { dtype: np.int32 });
    const corrections = Float32Array.of(1 - ADAM.beta1 ** training.done, 1 - ADAM.beta2 ** training.done);
    const [loss, parameters, m, v] = step(
      training.parameters,
      training.m,
      training.v,
      tokens(inputs),
      tokens(targets),
      np.array(corrections),
    );
    Object.assign(training, { parameters, m, v });
    return (await loss.data())[0] as number;
  }

  async endTraining(): Promise<void> {
    if (!this.#training) return;
    const { parameters, m, v, step } = this.#training;
    this.#training = null;
    tree.dispose([parameters, m, v]);
    step.dispose();
  }
}

/** The first weights of all contenders; tfjs makes them, on the CPU. */
async function firstWeights({ shape, seed }: TrainingWork): Promise<Arrays> {
  await tf.setBackend('cpu');
  const weights: Arrays = {};
  for (const [name, variable] of initialParameters(shape, seed)) {
    const values = Float32Array.from(variable.dataSync<'float32'>());
    weights[name] = np.array(values, { shape: variable.shape });
    variable.dispose();
  }
  return weights;
}

function trainingStep({ shape, batch, length }: TrainingWork): Step {
  const { learningRate, beta1, beta2, epsilon } = ADAM;
  const lossAndGradients = valueAndGrad((parameters: Arrays, inputs: np.Array, targets: np.Array) =>
    meanLoss(shape, batch, length, parameters, inputs, targets),
  );
  return (parameters, m, v, inputs, targets, corrections) => {
    const [loss, gradients] = lossAndGradients(tree.ref(parameters), inputs, targets) as [np.Array, Arrays];
    const [correction1, correction2] = np.split(corrections, 2) as [np.Array, np.Array];
    const updated: [Arrays, Arrays, Arrays] = [{}, {}, {}];
    for (const name of Object.keys(parameters)) {
      const gradient = gradients[name] as np.Array;
      const first = (m[name] as np.Array).mul(beta1).add(gradient.ref.mul(1 - beta1));
      const second = (v[name] as np.Array).mul(beta2).add(np.square(gradient).mul(1 - beta2));
      const root = np.sqrt(second.ref.div(correction2.ref)).add(epsilon);
      const change = first.ref.div(correction1.ref).div(root).mul(learningRate);
      updated[0][name] = (parameters[name] as np.Array).sub(change);
      updated[1][name] = first;
      updated[2][name] = second;
    }
    correction1.dispose();
    correction2.dispose();
    return [loss, ...updated];
  };
}

/** Mean cross-entropy; consumes its arguments. */
function meanLoss(
  { layers, width, heads, vocabulary }: ModelShape,
  batch: number,
  length: number,
  parameters: Arrays,
  inputs: np.Array,
  targets: np.Array,
): np.Array {
  const rows = batch * length;
  // Taken at its only use; the embedding, which is used twice, by `.ref`.
  const weight = (name: string): np.Array => parameters[name] as np.Array;
  const norm = (x: np.Array, name: string): np.Array =>
    nn
      .standardize(x, -1, { epsilon: LAYER_NORM_EPSILON })
      .mul(weight(`${name}.weight`))
      .add(weight(`${name}.bias`));
  const linear = (x: np.Array, name: string): np.Array =>
    np.matmul(x, weight(`${name}.weight`)).add(weight(`${name}.bias`));

  const embedding = weight('transformer.wte.weight');
  // The gradient of an indexing throws inside jit, so tokens are looked up by a product (0.1.25).
  const tokens = np.matmul(nn.oneHot(inputs, vocabulary), embedding.ref).reshape([batch, length, width]);
  let x = tokens.add(weight('transformer.wpe.weight').slice([0, length])).reshape([rows, width]);
  for (let layer = 0; layer < layers; layer++) {
    const h = `transformer.h.${layer}`;
    const qkv = linear(norm(x.ref, `${h}.ln_1`), `${h}.attn.c_attn`);
    const [q, k, v] = np.split(qkv, 3, 1).map((part) => part.reshape([batch, length, heads, width / heads])) as [
      np.Array,
      np.Array,
      np.Array,
    ];
    const attended = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([rows, width]);
    x = x.add(linear(attended, `${h}.attn.c_proj`));
    const inner = nn.gelu(linear(norm(x.ref, `${h}.ln_2`), `${h}.mlp.c_fc`));
    x = x.add(linear(inner, `${h}.mlp.c_proj`));
  }
  const logits = np.matmul(norm(x, 'transformer.ln_f'), np.matrixTranspose(embedding));
  return np.sum(nn.logSoftmax(logits).mul(nn.oneHot(targets, vocabulary))).mul(-1 / rows);
}
