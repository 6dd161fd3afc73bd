/** WGSL value loss of PPO. */
import * as tf from '@tensorflow/tfjs-core';
import source from '../../shaders/value_loss.wgsl?raw';
import { type Kernel, runKernel } from '../gpu/kernel';
import { VALUE_LOSS, type ValueLossAttributes } from './valueLoss';
import { input, registerWebGpu } from './webgpuOperation';

const KERNEL: Kernel = { name: 'value_loss', source };

registerWebGpu<ValueLossAttributes>(VALUE_LOSS, (inputs, { clipRange, coef }) => {
  const values = input(VALUE_LOSS, inputs, 'values');
  const others = ['oldValues', 'returns', 'mask'].map((name) => input(VALUE_LOSS, inputs, name));
  return runKernel(KERNEL, {
    inputs: [values, ...others],
    outputs: [[], [2], values.shape].map((shape) => ({ shape, dtype: 'float32' })),
    params: [{ u32: tf.util.sizeFromShape(values.shape) }, { f32: clipRange }, { f32: coef }],
    workgroups: [1],
  });
});
