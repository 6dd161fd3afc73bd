/** WGSL rewards of tokens from scores of replies. */
import type * as tf from '@tensorflow/tfjs-core';
import source from '../../shaders/shaped_rewards.wgsl?raw';
import { type Kernel, runKernel, workgroupsFor } from '../gpu/kernel';
import { SHAPED_REWARDS, type ShapedRewardsAttributes } from './shapedRewards';
import { input, registerWebGpu } from './webgpuOperation';

const KERNEL: Kernel = { name: 'shaped_rewards', source };

const ROWS_A_WORKGROUP = 64;

registerWebGpu<ShapedRewardsAttributes>(SHAPED_REWARDS, (inputs, { missingEosPenalty }) => {
  const [logProbs, ...others] = ['logProbs', 'refLogProbs', 'mask', 'scores'].map((name) =>
    input(SHAPED_REWARDS, inputs, name),
  ) as [tf.TensorInfo, ...tf.TensorInfo[]];
  const [rows, length] = logProbs.shape as [number, number];
  return runKernel(KERNEL, {
    inputs: [
      logProbs,
      ...others,
      input(SHAPED_REWARDS, inputs, 'finished', 'int32'),
      input(SHAPED_REWARDS, inputs, 'klCoef'),
    ],
    outputs: [
      { shape: [rows, length], dtype: 'float32' },
      { shape: [3, rows], dtype: 'float32' },
    ],
    params: [{ u32: rows }, { u32: length }, { f32: missingEosPenalty }],
    workgroups: workgroupsFor(rows, ROWS_A_WORKGROUP),
  });
});
