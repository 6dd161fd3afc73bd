/** WGSL choice of the states that predict a response, and its gradient. */
import backwardSource from '../../shaders/response_rows_backward.wgsl?raw';
import source from '../../shaders/response_rows.wgsl?raw';
import { runKernel, workgroupsFor } from '../gpu/kernel';
import { numbersKernel } from './numbersKernel';
import { passThrough } from './passThrough';
import { RESPONSE_ROWS, RESPONSE_ROWS_BACKWARD, type ResponseRowsAttributes } from './responseRows';
import { input, registerWebGpu } from './webgpuOperation';

const FORWARD = numbersKernel('response_rows', source);
const BACKWARD = numbersKernel('response_rows_backward', backwardSource);

/** Of four or one number each. */
const NUMBERS_A_WORKGROUP = 512;

registerWebGpu<ResponseRowsAttributes>(RESPONSE_ROWS, (inputs, { length, responseLength, passHidden }) => {
  const hidden = input(RESPONSE_ROWS, inputs, 'hidden');
  const [batch, , width] = hidden.shape as [number, number, number];
  const rows = batch * responseLength;
  const { kernel, count } = FORWARD(width);
  const outputs = runKernel(kernel, {
    inputs: [hidden],
    outputs: [{ shape: [rows, width], dtype: 'float32' }],
    params: [{ u32: rows }, { u32: length }, { u32: responseLength }, { u32: width }],
    workgroups: workgroupsFor((rows * width) / count, NUMBERS_A_WORKGROUP),
  });
  return passHidden ? [...outputs, passThrough(hidden)] : outputs;
});

registerWebGpu<ResponseRowsAttributes>(RESPONSE_ROWS_BACKWARD, (inputs, { length, responseLength }) => {
  const dStates = input(RESPONSE_ROWS_BACKWARD, inputs, 'dStates');
  const passed = 'dPassed' in inputs;
  const [rows, width] = dStates.shape as [number, number];
  const batch = rows / responseLength;
  const { kernel, count } = BACKWARD(width);
  return runKernel(kernel, {
    // Without a dPassed something must stand in its place, unread.
    inputs: [dStates, passed ? input(RESPONSE_ROWS_BACKWARD, inputs, 'dPassed') : dStates],
    outputs: [{ shape: [batch, length, width], dtype: 'float32' }],
    constants: { PASSED: Number(passed) },
    params: [{ u32: batch * length }, { u32: length }, { u32: responseLength }, { u32: width }],
    workgroups: workgroupsFor((batch * length * width) / count, NUMBERS_A_WORKGROUP),
  });
});
