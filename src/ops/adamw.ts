/**
 * AdamW over a set of named variables, with the global gradient norm clipped. Loshchilov & Hutter 2019, algorithm 2.
 *
 * Both epsilon forms, because they differ by up to 288 times in the first steps of a nearly converged policy:
 *   torch: p -= lr m̂ / (sqrt(v̂) + eps)
 *   tf1:   p -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)    (what the RLHF papers ran)
 * The decay is decoupled and applied first: p -= lr weightDecay p.
 *
 * A step has two halves. `advance`, on the host, counts the step and turns the learning rate into the few numbers that
 * change from step to step; `update`, on the device, takes them as data, so that a recorded step can be replayed.
 *
 * On WebGPU parameters, moments and gradients lie in one arena each, the norm stays on the device, and the update is
 * three dispatches whatever the number of tensors; on the host backends it is the loop of adamwUpdate.ts.
 */
import * as tf from '@tensorflow/tfjs-core';
import { addressOf, simdKernels, type SimdKernels } from '../gpu/simd';
import { adamwNumbers, applyNumbers, type AdamForm } from './adamwUpdate';
import { hostFloats, unfilled } from './hostValues';

export interface AdamWOptions {
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  form: AdamForm;
  /** The gradient of all variables together is scaled down to this length; Infinity is off. */
  maxGradNorm: number;
}

export const ADAMW_DEFAULTS: AdamWOptions = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-5,
  weightDecay: 0,
  form: 'tf1',
  maxGradNorm: 1,
};

/** One variable with its moments. */
export interface AdamWSlot {
  parameter: tf.Variable;
  /** First moment, same shape. */
  m: tf.Variable;
  /** Second moment, same shape. */
  v: tf.Variable;
}

/** How a backend keeps and updates the variables of one optimiser. */
export interface AdamWMemory {
  /** Before a step: variables that were given other memory, as by loading weights, are put in their place again. */
  settle(): void;
  /** Runs `body`, whose kernels may write gradients where the update wants them. */
  withGradientHomes<T>(body: () => T): T;
  /**
   * Updates every slot in place.
   * @param gradients by name, one for each slot; the caller disposes them
   * @param numbers [3] keep, rate, epsilon of `AdamwNumbers`
   * @returns the global norm of the gradients before clipping
   */
  update(gradients: ReadonlyMap<string, tf.Tensor>, numbers: tf.Tensor1D): tf.Scalar;
  dispose(): void;
}

type MemoryMaker = (slots: ReadonlyMap<string, AdamWSlot>, options: AdamWOptions) => AdamWMemory;

const makers = new Map<string, MemoryMaker>([
  ['cpu', hostMemory],
  ['wasm', hostMemory],
]);

/** Makes `maker` the memory of optimisers on a backend. */
export function registerAdamWMemory(backendName: string, maker: MemoryMaker): void {
  makers.set(backendName, maker);
}

export class AdamW {
  readonly options: AdamWOptions;
  /** Steps taken so far. */
  step = 0;
  readonly #slots = new Map<string, AdamWSlot>();
  readonly #memory: AdamWMemory;

  constructor(parameters: ReadonlyMap<string, tf.Variable>, options: Partial<AdamWOptions> = {}) {
    this.options = { ...ADAMW_DEFAULTS, ...options };
    const zeros = (shape: number[]): tf.Variable => tf.tidy(() => tf.variable(tf.zeros(shape), false));
    for (const [name, parameter] of parameters) {
      this.#slots.set(name, { parameter, m: zeros(parameter.shape), v: zeros(parameter.shape) });
    }
    const maker = makers.get(tf.getBackend());
    if (!maker) throw new Error(`AdamW does not know the backend ${tf.getBackend()}`);
    this.#memory = maker(this.#slots, this.options);
  }

  /**
   * Counts a step.
   * @returns [3] what `update` needs to know of it
   */
  advance(learningRate: number): Float32Array {
    this.#memory.settle();
    this.step += 1;
    const { keep, rate, epsilon } = adamwNumbers({ ...this.options, learningRate, step: this.step });
    return Float32Array.of(keep, rate, epsilon);
  }

  /** Runs `body`, which makes gradients for `update`, so that they need not be copied. */
  differentiate<T>(body: () => T): T {
    return this.#memory.withGradientHomes(body);
  }

  /**
   * The step on the device. Disposes the gradients.
   * @param gradients by name, one for each parameter
   * @param numbers what `advance` gave
   * @returns the global gradient norm before clipping; the caller disposes it
   */
  update(gradients: ReadonlyMap<string, tf.Tensor>, numbers: tf.Tensor1D): tf.Scalar {
    this.#expectAll(gradients);
    const norm = this.#memory.update(gradients, numbers);
    for (const gradient of gradients.values()) gradient.dispose();
    return norm;
  }

  /** Both halves at once. */
  apply(gradients: ReadonlyMap<string, tf.Tensor>, learningRate: number): tf.Scalar {
    this.#expectAll(gradients);
    const numbers = tf.tensor1d(this.advance(learningRate));
    const norm = this.update(gradients, numbers);
    numbers.dispose();
    return norm;
  }

  /** The moments under `adam.m.<name>` and `adam.v.<name>`, for a checkpoint. */
  moments(): Map<string, tf.Variable> {
    const all = new Map<string, tf.Variable>();
    for (const [name, { m }] of this.#slots) all.set(`adam.m.${name}`, m);
    for (const [name, { v }] of this.#slots) all.set(`adam.v.${name}`, v);
    return all;
  }

  /**
   * Takes up saved moments and the step that they belong to.
   * @param moments values by the names of `moments()`
   */
  restore(moments: ReadonlyMap<string, { values: Float32Array }>, step: number): void {
    for (const [name, moment] of this.moments()) {
      const saved = moments.get(name);
      if (!saved) throw new Error(`AdamW: no saved moment ${name}`);
      tf.tidy(() => moment.assign(tf.tensor(saved.values, moment.shape)));
    }
    this.step = step;
  }

  #expectAll(gradients: ReadonlyMap<string, tf.Tensor>): void {
    for (const name of this.#slots.keys()) {
      if (!gradients.has(name)) throw new Error(`AdamW: no gradient for ${name}`);
    }
  }

  dispose(): void {
    for (const moment of this.moments().values()) moment.dispose();
    this.#memory.dispose();
  }
}

/** The sum of squares of a tensor on the host. */
function squares(x: tf.Tensor, kernels: SimdKernels | null): number {
  if (kernels) return kernels.sumOfSquares(addressOf(x), x.size);
  const values = hostFloats(x);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum;
}

function hostMemory(slots: ReadonlyMap<string, AdamWSlot>, options: AdamWOptions): AdamWMemory {
  return {
    settle: () => undefined,
    withGradientHomes: (body) => body(),
    update(gradients, numbers) {
      const [keep, rate, epsilon] = numbers.dataSync<'float32'>() as unknown as [number, number, number];
      const kernels = simdKernels();
      const norm = Math.sqrt(
        [...slots.keys()].reduce((sum, name) => sum + squares(gradients.get(name) as tf.Tensor, kernels), 0),
      );
      const gradScale = norm > options.maxGradNorm ? options.maxGradNorm / norm : 1;
      for (const [name, { parameter, m, v }] of slots) {
        // The parameter moves to a new tensor, since XNNPACK keeps packed weights by tensor id.
        const next = unfilled(parameter.shape);
        const gradient = gradients.get(name) as tf.Tensor;
        if (kernels) {
          const [to, p, g] = [addressOf(next), addressOf(parameter), addressOf(gradient)];
          const { beta1, beta2 } = options;
          const [first, second, count] = [addressOf(m), addressOf(v), next.size];
          kernels.adamwUpdate(to, p, g, first, second, count, keep, rate, epsilon, beta1, beta2, gradScale);
        } else {
          const [p, first, second] = [hostFloats(next), hostFloats(m), hostFloats(v)];
          p.set(hostFloats(parameter));
          applyNumbers(p, hostFloats(gradient), first, second, { keep, rate, epsilon }, { ...options, gradScale });
        }
        parameter.assign(next);
        next.dispose();
      }
      return tf.scalar(norm);
    },
    dispose: () => undefined,
  };
}
