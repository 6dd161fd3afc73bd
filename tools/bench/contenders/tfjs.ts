/**
 * Stock tfjs on WebGPU: the same GPT in its own ops, with its own Adam. Set up as well as it can be without kernels of
 * our own: nothing runs on the CPU, one submit a step, constants stay on the device.
 */
import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { LAYER_NORM_EPSILON, type ModelShape } from '../../../src/config';
import { initialParameters, type ParameterName } from '../../../src/model/parameters';
import type { TokenWindows } from '../../../src/rlhf/pretraining';
import type { Contender, Decoding } from '../contender';
import { ADAM, inputsAndTargets, prompts, tokenWindows, type DecodingWork, type TrainingWork } from '../work';

/** More than a step has, so that only a read submits. */
const DISPATCHES_PER_SUBMIT = 100_000;

export class StockTfjs implements Contender {
  readonly decoding: Decoding = new PrefixDecoding();
  #training: { work: TrainingWork; gpt: PlainGpt; adam: tf.Optimizer; windows: TokenWindows } | null = null;

  async start(): Promise<void> {
    tf.env().set('WEBGPU_CPU_FORWARD', false);
    tf.env().set('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE', DISPATCHES_PER_SUBMIT);
    if (!(await tf.setBackend('webgpu'))) throw new Error('tfjs did not start its WebGPU backend.');
  }

  async prepareTraining(work: TrainingWork): Promise<void> {
    const gpt = new PlainGpt(work.shape, work.seed);
    const adam = tf.train.adam(ADAM.learningRate, ADAM.beta1, ADAM.beta2, ADAM.epsilon);
    this.#training = { work, gpt, adam, windows: tokenWindows(work) };
  }

  async trainStep(): Promise<number> {
    if (!this.#training) throw new Error('Nothing was prepared.');
    const { work, gpt, adam, windows } = this.#training;
    const { inputs, targets } = inputsAndTargets(windows.next(work.batch), work.batch);
    const loss = tf.tidy(() => {
      const ids = tf.tensor2d(inputs, [work.batch, work.length], 'int32');
      const expected = tf.tensor1d(targets, 'int32');
      return adam.minimize(() => gpt.loss(ids, expected), true, gpt.variables) as tf.Scalar;
    });
    const value = (await loss.data())[0] as number;
    loss.dispose();
    return value;
  }

  async endTraining(): Promise<void> {
    this.#training?.gpt.dispose();
    this.#training?.adam.dispose();
    this.#training = null;
  }
}

/** Without a key-value cache, which stock ops cannot update in place, the whole prefix is computed for every token. */
class PrefixDecoding implements Decoding {
  #state: { gpt: PlainGpt; work: DecodingWork } | null = null;

  async prepare(work: DecodingWork): Promise<void> {
    this.#state = { gpt: new PlainGpt(work.shape, work.seed), work };
  }

  async decode(rows: number): Promise<number> {
    if (!this.#state) throw new Error('Nothing was prepared.');
    const { gpt, work } = this.#state;
    const { promptLength, newTokens, positions } = work;
    for (let i = 0; i < positions; i++) {
      const length = promptLength + Math.floor(((i + 0.5) * newTokens) / positions);
      const prefix = prompts(rows, length, work.shape.vocabulary).flat();
      const drawn = tf.tidy(() => {
        const logits = gpt.lastLogits(tf.tensor2d(prefix, [rows, length], 'int32'));
        // The Gumbel-max trick; tf.multinomial draws the same class for ever in row 0 (tensorflow/tfjs#8057).
        const noise = tf.neg(tf.log(tf.neg(tf.log(tf.randomUniform(logits.shape)))));
        return tf.argMax(tf.add(logits, noise), 1);
      });
      await drawn.data();
      drawn.dispose();
    }
    return rows * positions;
  }

  async end(): Promise<void> {
    this.#state?.gpt.dispose();
    this.#state = null;
  }
}

/** src/model/gpt.ts in plain ops, with the same first weights. */
class PlainGpt {
  readonly variables: tf.Variable[];
  readonly #shape: ModelShape;
  readonly #parameters: Map<ParameterName, tf.Variable>;
  /** A JavaScript number in an op is uploaded on every use. */
  readonly #constants = new Map<number, tf.Scalar>();
  readonly #masks = new Map<number, tf.Tensor2D>();

  constructor(shape: ModelShape, seed: number) {
    this.#shape = shape;
    this.#parameters = initialParameters(shape, seed);
    this.variables = [...this.#parameters.values()];
  }

  /** Mean cross-entropy of targets [B T] after ids [B, T]. */
  loss(ids: tf.Tensor2D, targets: tf.Tensor1D): tf.Scalar {
    const logits = this.#logits(this.#hidden(ids)); // [M, V]
    const chosen = tf.sum(tf.mul(logits, tf.oneHot(targets, this.#shape.vocabulary, 1, 0, 'float32')), 1);
    return tf.mean(tf.sub(tf.logSumExp(logits, 1), chosen)) as tf.Scalar;
  }

  /** Logits after the last of ids [B, T]. */
  lastLogits(ids: tf.Tensor2D): tf.Tensor2D {
    const [batch, length] = ids.shape;
    const hidden = tf.reshape(this.#hidden(ids), [batch, length, this.#shape.width]);
    const last = tf.slice(hidden, [0, length - 1, 0], [batch, 1, this.#shape.width]);
    return this.#logits(tf.reshape(last, [batch, this.#shape.width]));
  }

  dispose(): void {
    tf.dispose([...this.variables, ...this.#constants.values(), ...this.#masks.values()]);
  }

  #logits(hidden: tf.Tensor2D): tf.Tensor2D {
    return tf.matMul(hidden, this.#weight('transformer.wte.weight') as tf.Tensor2D, false, true);
  }

  #hidden(ids: tf.Tensor2D): tf.Tensor2D {
    const { layers, width } = this.#shape;
    const [batch, length] = ids.shape;
    const tokens = tf.gather(this.#weight('transformer.wte.weight'), tf.reshape(ids, [-1]));
    const positions = tf.slice(this.#weight('transformer.wpe.weight') as tf.Tensor2D, [0, 0], [length, width]);
    let x = tf.reshape(tf.add(tf.reshape(tokens, [batch, length, width]), positions), [-1, width]) as tf.Tensor2D;
    for (let layer = 0; layer < layers; layer++) {
      const h = `transformer.h.${layer}` as const;
      const attended = this.#attention(this.#linear(this.#norm(x, `${h}.ln_1`), `${h}.attn.c_attn`), batch);
      x = tf.add(x, this.#linear(attended, `${h}.attn.c_proj`));
      const inner = this.#gelu(this.#linear(this.#norm(x, `${h}.ln_2`), `${h}.mlp.c_fc`));
      x = tf.add(x, this.#linear(inner, `${h}.mlp.c_proj`));
    }
    return this.#norm(x, 'transformer.ln_f');
  }

  /** [M, 3C] to [M, C]. */
  #attention(qkv: tf.Tensor2D, batch: number): tf.Tensor2D {
    const { heads, width } = this.#shape;
    const length = qkv.shape[0] / batch;
    const size = width / heads;
    const [q, k, v] = tf
      .split(qkv, 3, 1)
      .map((part) => tf.transpose(tf.reshape(part, [batch, length, heads, size]), [0, 2, 1, 3])) as [
      tf.Tensor4D,
      tf.Tensor4D,
      tf.Tensor4D,
    ];
    const scores = tf.mul(tf.matMul(q, k, false, true), this.#constant(1 / Math.sqrt(size))); // [B, H, T, T]
    const weights = tf.softmax(tf.add(scores, this.#causalMask(length)));
    return tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [batch * length, width]);
  }

  #norm(x: tf.Tensor2D, name: 'transformer.ln_f' | `transformer.h.${number}.${'ln_1' | 'ln_2'}`): tf.Tensor2D {
    const { mean, variance } = tf.moments(x, 1, true);
    const scale = tf.rsqrt(tf.add(variance, this.#constant(LAYER_NORM_EPSILON)));
    const normed = tf.mul(tf.sub(x, mean), scale);
    return tf.add(tf.mul(normed, this.#weight(`${name}.weight`)), this.#weight(`${name}.bias`));
  }

  #linear(
    x: tf.Tensor2D,
    name: `transformer.h.${number}.${'attn.c_attn' | 'attn.c_proj' | 'mlp.c_fc' | 'mlp.c_proj'}`,
  ): tf.Tensor2D {
    const b = this.#weight(`${name}.weight`) as tf.Tensor2D;
    return tf.fused.matMul({ a: x, b, bias: this.#weight(`${name}.bias`) }) as tf.Tensor2D;
  }

  #gelu(x: tf.Tensor2D): tf.Tensor2D {
    const cube = tf.mul(tf.mul(tf.square(x), x), this.#constant(0.044715));
    const tanh = tf.tanh(tf.mul(tf.add(x, cube), this.#constant(Math.sqrt(2 / Math.PI))));
    return tf.mul(tf.mul(x, this.#constant(0.5)), tf.add(tanh, this.#constant(1)));
  }

  #weight(name: ParameterName): tf.Variable {
    return this.#parameters.get(name) as tf.Variable;
  }

  #constant(value: number): tf.Scalar {
    const kept = this.#constants.get(value) ?? tf.keep(tf.scalar(value));
    this.#constants.set(value, kept);
    return kept;
  }

  /** [T, T], minus infinity (or near it) above the diagonal. */
  #causalMask(length: number): tf.Tensor2D {
    const values = Float32Array.from({ length: length ** 2 }, (_, i) => (i % length > i / length ? -1e9 : 0));
    const kept = this.#masks.get(length) ?? tf.keep(tf.tensor2d(values, [length, length]));
    this.#masks.set(length, kept);
    return kept;
  }
}
