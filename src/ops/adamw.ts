/**
 * AdamW over a set of named variables, with the global gradient norm clipped. Loshchilov & Hutter 2019, algorithm 2.
 *
 * Both epsilon forms, because they differ by up to 288 times in the first steps of a nearly converged policy:
 *   torch: p -= lr m̂ / (sqrt(v̂) + eps)
 *   tf1:   p -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)    (what the RLHF papers ran)
 * The decay is decoupled and applied first: p -= lr weightDecay p.
 *
 * On WebGPU the update is in place in one kernel a tensor and the norm stays on the device; on the host backends it is
 * the loop of adamwUpdate.ts.
 */
import * as tf from '@tensorflow/tfjs-core';
import { adamwUpdate, type AdamForm } from './adamwUpdate';

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

/** One variable with its gradient and moments. */
export interface AdamWSlot {
  parameter: tf.Variable;
  gradient: tf.Tensor;
  /** First moment, same shape. */
  m: tf.Variable;
  /** Second moment, same shape. */
  v: tf.Variable;
}

/**
 * Updates every slot in place and returns the global norm of the gradients before clipping, as a scalar that the
 * caller disposes. `step` counts from 1.
 */
export type AdamWKernel = (slots: AdamWSlot[], options: AdamWOptions, learningRate: number, step: number) => tf.Scalar;

const kernels = new Map<string, AdamWKernel>([
  ['cpu', updateOnHost],
  ['wasm', updateOnHost],
]);

/** Makes `kernel` the update on a backend. */
export function registerAdamWKernel(backendName: string, kernel: AdamWKernel): void {
  kernels.set(backendName, kernel);
}

export class AdamW {
  readonly options: AdamWOptions;
  /** Steps taken so far. */
  step = 0;
  readonly #parameters: ReadonlyMap<string, tf.Variable>;
  readonly #m = new Map<string, tf.Variable>();
  readonly #v = new Map<string, tf.Variable>();

  constructor(parameters: ReadonlyMap<string, tf.Variable>, options: Partial<AdamWOptions> = {}) {
    this.options = { ...ADAMW_DEFAULTS, ...options };
    this.#parameters = parameters;
    for (const [name, parameter] of parameters) {
      this.#m.set(
        name,
        tf.tidy(() => tf.variable(tf.zeros(parameter.shape), false)),
      );
      this.#v.set(
        name,
        tf.tidy(() => tf.variable(tf.zeros(parameter.shape), false)),
      );
    }
  }

  /**
   * One step. Disposes the gradients.
   * @param gradients by name, one for each parameter
   * @returns the global gradient norm before clipping; the caller disposes it
   */
  apply(gradients: ReadonlyMap<string, tf.Tensor>, learningRate: number): tf.Scalar {
    const kernel = kernels.get(tf.getBackend());
    if (!kernel) throw new Error(`AdamW has no kernel on the backend ${tf.getBackend()}`);
    const slots: AdamWSlot[] = [];
    for (const [name, parameter] of this.#parameters) {
      const [gradient, m, v] = [gradients.get(name), this.#m.get(name), this.#v.get(name)];
      if (!gradient || !m || !v) throw new Error(`AdamW: no gradient for ${name}`);
      slots.push({ parameter, gradient, m, v });
    }
    this.step += 1;
    const norm = kernel(slots, this.options, learningRate, this.step);
    for (const gradient of gradients.values()) gradient.dispose();
    return norm;
  }

  /** The moments under `adam.m.<name>` and `adam.v.<name>`, for a checkpoint. */
  moments(): Map<string, tf.Variable> {
    const all = new Map<string, tf.Variable>();
    for (const [name, m] of this.#m) all.set(`adam.m.${name}`, m);
    for (const [name, v] of this.#v) all.set(`adam.v.${name}`, v);
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

  dispose(): void {
    for (const moment of this.moments().values()) moment.dispose();
  }
}

function updateOnHost(slots: AdamWSlot[], options: AdamWOptions, learningRate: number, step: number): tf.Scalar {
  let squares = 0;
  const gradients = slots.map(({ gradient }) => gradient.dataSync<'float32'>());
  for (const gradient of gradients) for (const g of gradient) squares += g * g;
  const norm = Math.sqrt(squares);
  const gradScale = norm > options.maxGradNorm ? options.maxGradNorm / norm : 1;
  slots.forEach(({ parameter, m, v }, i) => {
    // Copies: a tensor of tfjs is immutable, and XNNPACK keeps packed weights by tensor id.
    const [p, first, second] = [parameter, m, v].map((x) => Float32Array.from(x.dataSync<'float32'>())) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    adamwUpdate(p, gradients[i] as Float32Array, first, second, { ...options, learningRate, step, gradScale });
    tf.tidy(() => {
      parameter.assign(tf.tensor(p, parameter.shape));
      m.assign(tf.tensor(first, m.shape));
      v.assign(tf.tensor(second, v.shape));
    });
  });
  return tf.scalar(norm);
}
