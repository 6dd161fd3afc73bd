/** WGSL layer norm and its gradients. */
import backwardSource from '../../shaders/layer_norm_backward.wgsl?raw';
import parametersSource from '../../shaders/layer_norm_backward_parameters.wgsl?raw';
import source from '../../shaders/layer_norm.wgsl?raw';
import { type Kernel, runKernel } from '../gpu/kernel';
import { LAYER_NORM, LAYER_NORM_BACKWARD, type LayerNormAttributes } from './layerNorm';
import { input, registerWebGpu } from './webgpuOperation';

const FORWARD: Kernel = { name: 'layer_norm', source };
const BACKWARD: Kernel = { name: 'layer_norm_backward', source: backwardSource };
const BACKWARD_PARAMETERS: Kernel = { name: 'layer_norm_backward_parameters', source: parametersSource };

registerWebGpu<LayerNormAttributes>(LAYER_NORM, (inputs, { epsilon }) => {
  const x = input(LAYER_NORM, inputs, 'x');
  const [m, c] = x.shape as [number, number];
  return runKernel(FORWARD, {
    inputs: [x, input(LAYER_NORM, inputs, 'gamma'), input(LAYER_NORM, inputs, 'beta')],
    outputs: [[m, c], [m], [m]].map((shape) => ({ shape, dtype: 'float32' })),
    params: [{ u32: m }, { u32: c }, { f32: epsilon }],
    workgroups: [Math.ceil(m / 32)],
  });
});

registerWebGpu(LAYER_NORM_BACKWARD, (inputs) => {
  const x = input(LAYER_NORM_BACKWARD, inputs, 'x');
  const gamma = input(LAYER_NORM_BACKWARD, inputs, 'gamma');
  const mean = input(LAYER_NORM_BACKWARD, inputs, 'mean');
  const rstd = input(LAYER_NORM_BACKWARD, inputs, 'rstd');
  const dy = input(LAYER_NORM_BACKWARD, inputs, 'dy');
  const [m, c] = x.shape as [number, number];
  const params = [{ u32: m }, { u32: c }];
  const dx = runKernel(BACKWARD, {
    inputs: [x, gamma, mean, rstd, dy],
    outputs: [{ shape: [m, c], dtype: 'float32' }],
    params,
    workgroups: [Math.ceil(m / 32)],
  });
  const parameters = runKernel(BACKWARD_PARAMETERS, {
    inputs: [x, mean, rstd, dy],
    outputs: [[c], [c]].map((shape) => ({ shape, dtype: 'float32' })),
    params,
    workgroups: [Math.ceil(c / 32)],
  });
  return [...dx, ...parameters];
});
