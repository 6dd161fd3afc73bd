/** WGSL layer norm and its gradients. */
import backwardSource from '../../shaders/layer_norm_backward.wgsl?raw';
import source from '../../shaders/layer_norm.wgsl?raw';
import { runKernel } from '../gpu/kernel';
import { LAYER_NORM, LAYER_NORM_BACKWARD, type LayerNormAttributes } from './layerNorm';
import { numbersKernel } from './numbersKernel';
import { passThrough } from './passThrough';
import { input, registerWebGpu } from './webgpuOperation';

const FORWARD = numbersKernel('layer_norm', source);
const BACKWARD = numbersKernel('layer_norm_backward', backwardSource);

const ROWS_A_WORKGROUP = 32;
const BACKWARD_ROWS_A_WORKGROUP = 64;
/** Of four or one number each. */
const BACKWARD_COLUMNS_A_WORKGROUP = 8;

registerWebGpu<LayerNormAttributes>(LAYER_NORM, (inputs, { epsilon, passX }) => {
  const x = input(LAYER_NORM, inputs, 'x');
  const [m, c] = x.shape as [number, number];
  const outputs = runKernel(FORWARD(c).kernel, {
    inputs: [x, input(LAYER_NORM, inputs, 'gamma'), input(LAYER_NORM, inputs, 'beta')],
    outputs: [
      { shape: [m, c], dtype: 'float32' },
      { shape: [m, 2], dtype: 'float32' },
    ],
    params: [{ u32: m }, { u32: c }, { f32: epsilon }],
    workgroups: [Math.ceil(m / ROWS_A_WORKGROUP)],
  });
  return passX ? [...outputs, passThrough(x)] : outputs;
});

registerWebGpu(LAYER_NORM_BACKWARD, (inputs) => {
  const x = input(LAYER_NORM_BACKWARD, inputs, 'x');
  const gamma = input(LAYER_NORM_BACKWARD, inputs, 'gamma');
  const beta = input(LAYER_NORM_BACKWARD, inputs, 'beta');
  const statistics = input(LAYER_NORM_BACKWARD, inputs, 'statistics');
  const dy = input(LAYER_NORM_BACKWARD, inputs, 'dy');
  const passed = 'dPassed' in inputs;
  const [m, c] = x.shape as [number, number];
  const { kernel, count } = BACKWARD(c);
  const columnGroups = Math.ceil(c / count / BACKWARD_COLUMNS_A_WORKGROUP);
  return runKernel(kernel, {
    // Without a dPassed something must stand in its place, unread.
    inputs: [x, gamma, statistics, dy, passed ? input(LAYER_NORM_BACKWARD, inputs, 'dPassed') : dy],
    outputs: [
      { shape: [m, c], dtype: 'float32' },
      { shape: [c], dtype: 'float32', home: gamma },
      { shape: [c], dtype: 'float32', home: beta },
    ],
    constants: { PASSED: Number(passed) },
    params: [{ u32: m }, { u32: c }, { u32: columnGroups }],
    workgroups: [columnGroups + Math.ceil(m / BACKWARD_ROWS_A_WORKGROUP)],
  });
});
