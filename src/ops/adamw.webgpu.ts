/** WGSL AdamW: one arena each for parameters, gradients and moments; the norm stays on the device. */
import * as tf from '@tensorflow/tfjs-core';
import source from '../../shaders/adamw.wgsl?raw';
import finishSource from '../../shaders/gradient_norm_finish.wgsl?raw';
import normSource from '../../shaders/gradient_norm.wgsl?raw';
import { Arena } from '../gpu/arena';
import { withGradientHomes } from '../gpu/gradientHomes';
import { disposeScratch, type Kernel, runKernel, workgroupsFor } from '../gpu/kernel';
import { recordCopy } from './copyInto.webgpu';
import { type AdamWMemory, type AdamWOptions, type AdamWSlot, registerAdamWMemory } from './adamw';

const NORM: Kernel = { name: 'gradient_norm', source: normSource };
const FINISH: Kernel = { name: 'gradient_norm_finish', source: finishSource };
const UPDATE: Kernel = { name: 'adamw', source };

/** Enough invocations to fill a GPU, few enough for one workgroup to add their sums. */
const PARTIAL_SUMS = 1024;
/** A limit that no float32 norm reaches: clipping off. */
const NO_LIMIT = 3.4e38;

const PLACES = ['parameter', 'm', 'v'] as const;

class ArenaMemory implements AdamWMemory {
  readonly #slots: ReadonlyMap<string, AdamWSlot>;
  readonly #options: AdamWOptions;
  readonly #arenas: Record<'gradient' | (typeof PLACES)[number], Arena>;
  readonly #whole: Record<'gradient' | (typeof PLACES)[number], tf.Tensor1D>;

  /** The tensors that were seen to lie in their arena. */
  readonly #settled = {
    parameter: new Map<string, tf.DataId>(),
    m: new Map<string, tf.DataId>(),
    v: new Map<string, tf.DataId>(),
  };

  constructor(slots: ReadonlyMap<string, AdamWSlot>, options: AdamWOptions) {
    this.#slots = slots;
    this.#options = options;
    const shapes = new Map([...slots].map(([name, { parameter }]) => [name, parameter.shape]));
    const arena = (): Arena => new Arena(shapes);
    this.#arenas = { gradient: arena(), parameter: arena(), m: arena(), v: arena() };
    const { gradient, parameter, m, v } = this.#arenas;
    this.#whole = {
      gradient: tf.keep(gradient.whole()),
      parameter: tf.keep(parameter.whole()),
      m: tf.keep(m.whole()),
      v: tf.keep(v.whole()),
    };
    this.settle();
  }

  settle(): void {
    for (const place of PLACES) {
      const [arena, seen] = [this.#arenas[place], this.#settled[place]];
      for (const [name, slot] of this.#slots) {
        const variable = slot[place];
        if (seen.get(name) === variable.dataId) continue;
        if (!arena.holds(variable, name)) {
          arena.copyFrom(name, variable);
          tf.tidy(() => variable.assign(arena.view(name)));
        }
        seen.set(name, variable.dataId);
      }
    }
  }

  withGradientHomes<T>(body: () => T): T {
    const homes = [...this.#slots].map(
      ([name, { parameter }]) => [parameter.dataId, () => this.#arenas.gradient.viewInfo(name)] as const,
    );
    return withGradientHomes(new Map(homes), body);
  }

  update(gradients: ReadonlyMap<string, tf.Tensor>, numbers: tf.Tensor1D): tf.Scalar {
    const { gradient, parameter, m, v } = this.#whole;
    for (const name of this.#slots.keys()) this.#bringHome(name, gradients.get(name) as tf.Tensor);
    const count = gradient.size / 4;
    const [partials] = runKernel(NORM, {
      inputs: [gradient],
      outputs: [{ shape: [PARTIAL_SUMS], dtype: 'float32' }],
      params: [{ u32: count }, { u32: PARTIAL_SUMS }],
      workgroups: [PARTIAL_SUMS / 64],
    }) as [tf.TensorInfo];
    const [norm, scale] = runKernel(FINISH, {
      inputs: [partials],
      outputs: [
        { shape: [], dtype: 'float32' },
        { shape: [], dtype: 'float32' },
      ],
      params: [{ u32: PARTIAL_SUMS }, { f32: Math.min(this.#options.maxGradNorm, NO_LIMIT) }],
      workgroups: [1],
    }) as [tf.TensorInfo, tf.TensorInfo];
    runKernel(UPDATE, {
      inputs: [gradient, scale, numbers],
      inPlace: [parameter, m, v],
      params: [{ u32: count }, { f32: this.#options.beta1 }, { f32: this.#options.beta2 }],
      workgroups: workgroupsFor(count, 512),
    });
    disposeScratch([partials, scale]);
    return tf.engine().makeTensorFromTensorInfo(norm) as tf.Scalar;
  }

  dispose(): void {
    tf.dispose(Object.values(this.#whole));
  }

  /** Most gradients were written at home; a sum of several was not. */
  #bringHome(name: string, gradient: tf.Tensor): void {
    if (this.#arenas.gradient.holds(gradient, name)) return;
    const home = this.#arenas.gradient.view(name);
    recordCopy(home, gradient);
    home.dispose();
  }
}

registerAdamWMemory('webgpu', (slots, options) => new ArenaMemory(slots, options));
