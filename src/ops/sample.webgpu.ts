/** WGSL sampler. */
import source from '../../shaders/sample.wgsl?raw';
import { type Kernel, runKernel } from '../gpu/kernel';
import { SAMPLE, type SampleAttributes } from './sample';
import { input, registerWebGpu } from './webgpuOperation';

const KERNEL: Kernel = { name: 'sample', source };

registerWebGpu<SampleAttributes>(SAMPLE, (inputs, { temperature, topK, topP }) => {
  const logits = input(SAMPLE, inputs, 'logits');
  const [rows, vocabulary] = logits.shape as [number, number];
  const greedy = temperature <= 0;
  return runKernel(KERNEL, {
    inputs: [logits, input(SAMPLE, inputs, 'draw', 'int32')],
    outputs: [
      { shape: [rows], dtype: 'int32' },
      { shape: [rows], dtype: 'float32' },
    ],
    params: [
      { u32: rows },
      { u32: vocabulary },
      { f32: greedy ? 1 : 1 / temperature },
      { u32: Number(greedy) },
      { u32: topK },
      { f32: topP },
    ],
    workgroups: [Math.ceil(rows / 8)],
  });
});
