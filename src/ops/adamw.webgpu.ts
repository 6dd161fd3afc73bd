/** WGSL AdamW: the gradient norm stays on the device, the update is in place. */
import * as tf from '@tensorflow/tfjs-core';
import source from '../../shaders/adamw.wgsl?raw';
import finishSource from '../../shaders/gradient_norm_finish.wgsl?raw';
import normSource from '../../shaders/gradient_norm.wgsl?raw';
import { disposeScratch, emptyTensor, type Kernel, runKernel, workgroupsFor } from '../gpu/kernel';
import { type AdamWOptions, type AdamWSlot, registerAdamWKernel } from './adamw';

const NORM: Kernel = { name: 'gradient_norm', source: normSource };
const FINISH: Kernel = { name: 'gradient_norm_finish', source: finishSource };
const UPDATE: Kernel = { name: 'adamw', source };
const UPDATE_SCALAR: Kernel = { name: 'adamw', source, entryPoint: 'main_scalar' };

const MAX_PARTIALS_A_TENSOR = 512;
/** A limit that no float32 norm reaches: clipping off. */
const NO_LIMIT = 3.4e38;

registerAdamWKernel('webgpu', (slots, options, learningRate, step) => {
  const { norm, scale } = gradientNorm(slots, options.maxGradNorm);
  const correction1 = 1 - options.beta1 ** step;
  const correction2 = Math.sqrt(1 - options.beta2 ** step);
  for (const { parameter, gradient, m, v } of slots) {
    const vectors = parameter.size % 4 === 0;
    const count = vectors ? parameter.size / 4 : parameter.size;
    runKernel(vectors ? UPDATE : UPDATE_SCALAR, {
      inputs: [gradient, scale],
      inPlace: [parameter, m, v],
      params: [
        { u32: count },
        { f32: 1 - learningRate * options.weightDecay },
        { f32: (learningRate * correction2) / correction1 },
        { f32: options.beta1 },
        { f32: options.beta2 },
        { f32: options.form === 'torch' ? options.epsilon * correction2 : options.epsilon },
      ],
      workgroups: workgroupsFor(count, 512),
    });
  }
  disposeScratch([scale]);
  return tf.engine().makeTensorFromTensorInfo(norm) as tf.Scalar;
});

/** Both of one number, on the device. */
function gradientNorm(
  slots: AdamWSlot[],
  limit: AdamWOptions['maxGradNorm'],
): { norm: tf.TensorInfo; scale: tf.TensorInfo } {
  const counts = slots.map(({ gradient }) => Math.min(Math.ceil(gradient.size / 64), MAX_PARTIALS_A_TENSOR));
  const total = counts.reduce((sum, count) => sum + count, 0);
  const partials = emptyTensor([total], 'float32');
  let offset = 0;
  slots.forEach(({ gradient }, i) => {
    const count = counts[i] as number;
    runKernel(NORM, {
      inputs: [gradient],
      inPlace: [partials],
      params: [{ u32: gradient.size }, { u32: count }, { u32: offset }],
      workgroups: [Math.ceil(count / 64)],
    });
    offset += count;
  });
  const [norm, scale] = runKernel(FINISH, {
    inputs: [partials],
    outputs: [
      { shape: [], dtype: 'float32' },
      { shape: [], dtype: 'float32' },
    ],
    params: [{ u32: total }, { f32: Math.min(limit, NO_LIMIT) }],
    workgroups: [1],
  }) as [tf.TensorInfo, tf.TensorInfo];
  disposeScratch([partials]);
  return { norm, scale };
}
