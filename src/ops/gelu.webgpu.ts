/** WGSL GELU and its gradient. */
import * as tf from '@tensorflow/tfjs-core';
import backwardSource from '../../shaders/gelu_backward.wgsl?raw';
import source from '../../shaders/gelu.wgsl?raw';
import { type Kernel, runKernel, workgroupsFor } from '../gpu/kernel';
import { GELU, GELU_BACKWARD } from './gelu';
import { input, registerWebGpu } from './webgpuOperation';

const FORWARD: Kernel = { name: 'gelu', source };
const BACKWARD: Kernel = { name: 'gelu_backward', source: backwardSource };

function elementwise(kernel: Kernel, inputs: [tf.TensorInfo, ...tf.TensorInfo[]]): tf.TensorInfo[] {
  const { shape } = inputs[0];
  const size = tf.util.sizeFromShape(shape);
  return runKernel(kernel, {
    inputs,
    outputs: [{ shape, dtype: 'float32' }],
    params: [{ u32: size }],
    workgroups: workgroupsFor(size, 512),
  });
}

registerWebGpu(GELU, (inputs) => elementwise(FORWARD, [input(GELU, inputs, 'x')]));

registerWebGpu(GELU_BACKWARD, (inputs) =>
  elementwise(BACKWARD, [input(GELU_BACKWARD, inputs, 'x'), input(GELU_BACKWARD, inputs, 'dy')]),
);
