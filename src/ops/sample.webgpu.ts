/** WGSL sampler, in two variants: a row to an invocation, and a row to a workgroup. */
import type * as tf from '@tensorflow/tfjs-core';
import byRowSource from '../../shaders/sample_by_row.wgsl?raw';
import byWorkgroupSource from '../../shaders/sample_by_workgroup.wgsl?raw';
import source from '../../shaders/sample.wgsl?raw';
import { type Kernel, runKernel, webGpuBackend } from '../gpu/kernel';
import { declareVariants, type KernelVariant, powerOfTwo } from './kernelVariants';
import { SAMPLE, type SampleAttributes } from './sample';
import { input, registerWebGpu } from './webgpuOperation';

interface SampleVariant extends KernelVariant {
  kernel: Kernel;
  /** Rows that a workgroup takes. */
  rows: number;
}

const BY_ROW: SampleVariant = {
  name: 'row',
  quads: false,
  kernel: { name: 'sample_by_row', source: source + byRowSource },
  rows: 8,
};
const BY_WORKGROUP: SampleVariant = {
  name: 'workgroup',
  quads: false,
  kernel: { name: 'sample_by_workgroup', source: source + byWorkgroupSource },
  rows: 1,
};
/** By rule without barriers, which cost a software GPU more than the loads that are waited for. */
const ORDER = [BY_ROW, BY_WORKGROUP] as const;

const choose = declareVariants('sample', ORDER, {
  source: BY_ROW.kernel.source + BY_WORKGROUP.kernel.source,
  trialOf: (shape) => {
    const [rows, vocabulary] = shape.split(' x ').map(Number) as [number, number];
    return {
      operands: {
        logits: { shape: [rows, vocabulary], dtype: 'float32' },
        draw: { shape: [2], dtype: 'int32' },
        kept: { shape: [rows], dtype: 'int32' },
      },
      // A maximum, an exponential and its sum, and the draw, which is about forty operations.
      flops: 45 * rows * vocabulary,
      run: (device, operands) =>
        draw(device, operands as Record<'logits' | 'draw' | 'kept', tf.TensorInfo>, {
          temperature: 1,
          topK: 0,
          topP: 1,
        }),
    };
  },
});

registerWebGpu<SampleAttributes>(SAMPLE, (inputs, attributes) =>
  draw(
    webGpuBackend(SAMPLE).device,
    {
      logits: input(SAMPLE, inputs, 'logits'),
      draw: input(SAMPLE, inputs, 'draw', 'int32'),
      kept: input(SAMPLE, inputs, 'kept', 'int32'),
    },
    attributes,
  ),
);

function draw(
  device: GPUDevice,
  operands: Readonly<Record<'logits' | 'draw' | 'kept', tf.TensorInfo>>,
  { temperature, topK, topP }: SampleAttributes,
): tf.TensorInfo[] {
  const [rows, vocabulary] = operands.logits.shape as [number, number];
  const greedy = temperature <= 0;
  const { kernel, rows: taken } = choose(device, `${powerOfTwo(rows)} x ${vocabulary}`, ORDER);
  return runKernel(kernel, {
    inputs: [operands.logits, operands.draw],
    inPlace: [operands.kept],
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
    workgroups: [Math.ceil(rows / taken)],
  });
}
