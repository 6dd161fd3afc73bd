/** WGSL choice of rows. */
import source from '../../shaders/take_rows.wgsl?raw';
import { type Kernel, runKernel, workgroupsFor } from '../gpu/kernel';
import { PLANES, TAKE_ROWS } from './takeRows';
import { input, registerWebGpu } from './webgpuOperation';

const KERNEL: Kernel = { name: 'take_rows', source };

const TOKENS_A_WORKGROUP = 256;

registerWebGpu(TAKE_ROWS, (inputs) => {
  const planes = input(TAKE_ROWS, inputs, 'planes');
  const rows = input(TAKE_ROWS, inputs, 'rows', 'int32');
  const [, all, length] = planes.shape as [number, number, number];
  const chosen = rows.shape[0] as number;
  return runKernel(KERNEL, {
    inputs: [rows, planes],
    outputs: Array.from({ length: PLANES }, () => ({ shape: [chosen, length], dtype: 'float32' })),
    params: [{ u32: chosen }, { u32: all }, { u32: length }],
    workgroups: workgroupsFor(chosen * length, TOKENS_A_WORKGROUP),
  });
});
