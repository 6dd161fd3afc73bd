/** WGSL cross-entropy and its gradient. */
import backwardSource from '../../shaders/cross_entropy_backward.wgsl?raw';
import partsSource from '../../shaders/cross_entropy_parts.wgsl?raw';
import source from '../../shaders/cross_entropy.wgsl?raw';
import { disposeScratch, type Kernel, runKernel } from '../gpu/kernel';
import { CROSS_ENTROPY, CROSS_ENTROPY_BACKWARD } from './crossEntropy';
import { numbersKernel } from './numbersKernel';
import { input, registerWebGpu } from './webgpuOperation';

const PARTS = numbersKernel('cross_entropy_parts', partsSource);
const FORWARD: Kernel = { name: 'cross_entropy', source };
const BACKWARD = numbersKernel('cross_entropy_backward', backwardSource);

/** Invocations that share a row; the shaders' own number. */
const PARTS_A_ROW = 16;
const ROWS_A_WORKGROUP = 4;
/** Of four or one number each. */
const BACKWARD_COLUMNS_A_WORKGROUP = 256;

registerWebGpu(CROSS_ENTROPY, (inputs) => {
  const logits = input(CROSS_ENTROPY, inputs, 'logits');
  const [m, v] = logits.shape as [number, number];
  const params = [{ u32: m }, { u32: v }];
  const parts = runKernel(PARTS(v).kernel, {
    inputs: [logits],
    outputs: [{ shape: [m, PARTS_A_ROW, 2], dtype: 'float32' }],
    params,
    workgroups: [Math.ceil(m / ROWS_A_WORKGROUP)],
  });
  const outputs = runKernel(FORWARD, {
    inputs: [
      logits,
      input(CROSS_ENTROPY, inputs, 'targets', 'int32'),
      input(CROSS_ENTROPY, inputs, 'weights'),
      ...parts,
    ],
    outputs: [
      { shape: [], dtype: 'float32' },
      { shape: [m], dtype: 'float32' },
    ],
    params,
    workgroups: [1],
  });
  disposeScratch(parts);
  return outputs;
});

registerWebGpu(CROSS_ENTROPY_BACKWARD, (inputs) => {
  const logits = input(CROSS_ENTROPY_BACKWARD, inputs, 'logits');
  const [m, v] = logits.shape as [number, number];
  const { kernel, count } = BACKWARD(v);
  return runKernel(kernel, {
    inputs: [
      logits,
      input(CROSS_ENTROPY_BACKWARD, inputs, 'targets', 'int32'),
      ...['weights', 'lse', 'dy'].map((name) => input(CROSS_ENTROPY_BACKWARD, inputs, name)),
    ],
    outputs: [{ shape: [m, v], dtype: 'float32' }],
    params: [{ u32: m }, { u32: v }],
    workgroups: [Math.ceil(m / ROWS_A_WORKGROUP), Math.ceil(v / count / BACKWARD_COLUMNS_A_WORKGROUP)],
  });
});
