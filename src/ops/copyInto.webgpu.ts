/** WGSL copies into memory that stays. */
import copySource from '../../shaders/copy.wgsl?raw';
import fillSource from '../../shaders/fill_cache.wgsl?raw';
import { type Kernel, runKernel, workgroupsFor } from '../gpu/kernel';
import { COPY_INTO, FILL_CACHE } from './copyInto';
import { input, registerWebGpu } from './webgpuOperation';
import * as tf from '@tensorflow/tfjs-core';

const COPY: Kernel = { name: 'copy', source: copySource };
const FILL: Kernel = { name: 'fill_cache', source: fillSource };

/** @param to of the same size as `from` */
export function recordCopy(to: tf.TensorInfo, from: tf.TensorInfo): void {
  const size = tf.util.sizeFromShape(from.shape);
  runKernel(COPY, { inputs: [from], inPlace: [to], params: [{ u32: size }], workgroups: workgroupsFor(size, 512) });
}

registerWebGpu(COPY_INTO, ({ to, from }) => {
  recordCopy(to as tf.TensorInfo, from as tf.TensorInfo);
  return [];
});

registerWebGpu(FILL_CACHE, (inputs) => {
  const cache = input(FILL_CACHE, inputs, 'cache');
  const qkv = input(FILL_CACHE, inputs, 'qkv');
  const [batch, length, tripled] = qkv.shape as [number, number, number];
  const count = (batch * length * tripled * 2) / 3;
  return runKernel(FILL, {
    inputs: [qkv],
    inPlace: [cache],
    params: [{ u32: batch }, { u32: length }, { u32: tripled / 3 }, { u32: cache.shape[1] as number }],
    workgroups: workgroupsFor(count, 512),
  });
});
