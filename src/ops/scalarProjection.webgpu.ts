/** WGSL projection of states to one number each, and its gradients. */
import backwardSource from '../../shaders/scalar_projection_backward.wgsl?raw';
import source from '../../shaders/scalar_projection.wgsl?raw';
import { runKernel } from '../gpu/kernel';
import { numbersKernel } from './numbersKernel';
import { SCALAR_PROJECTION, SCALAR_PROJECTION_BACKWARD, type ScalarProjectionAttributes } from './scalarProjection';
import { input, registerWebGpu } from './webgpuOperation';

const FORWARD = numbersKernel('scalar_projection', source);
const BACKWARD = numbersKernel('scalar_projection_backward', backwardSource);

const ROWS_A_WORKGROUP = 32;
/** Of four or one number each. */
const BACKWARD_COLUMNS_A_WORKGROUP = 8;
const BACKWARD_NUMBERS_A_WORKGROUP = 512;

registerWebGpu<ScalarProjectionAttributes>(SCALAR_PROJECTION, (inputs, { first, count }) => {
  const hidden = input(SCALAR_PROJECTION, inputs, 'hidden');
  const [batch, length, width] = hidden.shape as [number, number, number];
  return runKernel(FORWARD(width).kernel, {
    inputs: [hidden, input(SCALAR_PROJECTION, inputs, 'weight'), input(SCALAR_PROJECTION, inputs, 'bias')],
    outputs: [{ shape: [batch, count], dtype: 'float32' }],
    params: [{ u32: batch * count }, { u32: length }, { u32: first }, { u32: count }, { u32: width }],
    workgroups: [Math.ceil((batch * count) / ROWS_A_WORKGROUP)],
  });
});

registerWebGpu<ScalarProjectionAttributes>(SCALAR_PROJECTION_BACKWARD, (inputs, { first, count }) => {
  const hidden = input(SCALAR_PROJECTION_BACKWARD, inputs, 'hidden');
  const weight = input(SCALAR_PROJECTION_BACKWARD, inputs, 'weight');
  const bias = input(SCALAR_PROJECTION_BACKWARD, inputs, 'bias');
  const [batch, length, width] = hidden.shape as [number, number, number];
  const { kernel, count: together } = BACKWARD(width);
  const columnGroups = Math.ceil(width / together / BACKWARD_COLUMNS_A_WORKGROUP);
  const stateGroups = Math.ceil((batch * length * width) / together / BACKWARD_NUMBERS_A_WORKGROUP);
  return runKernel(kernel, {
    inputs: [hidden, weight, input(SCALAR_PROJECTION_BACKWARD, inputs, 'dy')],
    outputs: [
      { shape: hidden.shape, dtype: 'float32' },
      { shape: weight.shape, dtype: 'float32', home: weight },
      { shape: bias.shape, dtype: 'float32', home: bias },
    ],
    params: [
      { u32: batch * count },
      { u32: batch * length },
      { u32: length },
      { u32: first },
      { u32: count },
      { u32: width },
      { u32: columnGroups },
    ],
    workgroups: [columnGroups + stateGroups],
  });
});
