/** WGSL scores of replies, and their gradients. */
import backwardSource from '../../shaders/reply_score_backward.wgsl?raw';
import source from '../../shaders/reply_score.wgsl?raw';
import { type Kernel, runKernel } from '../gpu/kernel';
import { REPLY_SCORE, REPLY_SCORE_BACKWARD } from './replyScore';
import { input, registerWebGpu } from './webgpuOperation';

const FORWARD: Kernel = { name: 'reply_score', source };
const BACKWARD: Kernel = { name: 'reply_score_backward', source: backwardSource };

const ROWS_A_WORKGROUP = 4;
const BACKWARD_TOKENS_A_WORKGROUP = 64;

registerWebGpu(REPLY_SCORE, (inputs) => {
  const tensors = ['scalars', 'pooling', 'logProbs', 'mask', 'likelihood'].map((name) =>
    input(REPLY_SCORE, inputs, name),
  );
  const [rows, length] = input(REPLY_SCORE, inputs, 'scalars').shape as [number, number];
  const responseLength = input(REPLY_SCORE, inputs, 'mask').shape[1] as number;
  return runKernel(FORWARD, {
    inputs: tensors,
    outputs: [[rows], [rows]].map((shape) => ({ shape, dtype: 'float32' })),
    params: [{ u32: rows }, { u32: length }, { u32: responseLength }],
    workgroups: [Math.ceil(rows / ROWS_A_WORKGROUP)],
  });
});

registerWebGpu(REPLY_SCORE_BACKWARD, (inputs) => {
  const pooling = input(REPLY_SCORE_BACKWARD, inputs, 'pooling');
  const mask = input(REPLY_SCORE_BACKWARD, inputs, 'mask');
  const likelihood = input(REPLY_SCORE_BACKWARD, inputs, 'likelihood');
  const [rows, length] = pooling.shape as [number, number];
  const responseLength = mask.shape[1] as number;
  return runKernel(BACKWARD, {
    inputs: [
      pooling,
      mask,
      likelihood,
      input(REPLY_SCORE_BACKWARD, inputs, 'logLikelihood'),
      input(REPLY_SCORE_BACKWARD, inputs, 'dScore'),
    ],
    outputs: [
      { shape: pooling.shape, dtype: 'float32' },
      { shape: mask.shape, dtype: 'float32' },
      { shape: likelihood.shape, dtype: 'float32', home: likelihood },
    ],
    params: [{ u32: rows }, { u32: length }, { u32: responseLength }],
    workgroups: [Math.ceil((rows * Math.max(length, responseLength)) / BACKWARD_TOKENS_A_WORKGROUP)],
  });
});
