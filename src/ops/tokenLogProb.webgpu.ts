/** WGSL log-probabilities and entropy from logits, and their gradient. */
import type * as tf from '@tensorflow/tfjs-core';
import backwardSource from '../../shaders/token_log_prob_backward.wgsl?raw';
import source from '../../shaders/token_log_prob.wgsl?raw';
import { type OutputSpec, runKernel } from '../gpu/kernel';
import { numbersKernel } from './numbersKernel';
import { TOKEN_LOG_PROB, TOKEN_LOG_PROB_BACKWARD, type TokenLogProbAttributes } from './tokenLogProb';
import { input, registerWebGpu } from './webgpuOperation';

const FORWARD = numbersKernel('token_log_prob', source);
const BACKWARD = numbersKernel('token_log_prob_backward', backwardSource);

const ROWS_A_WORKGROUP = 32;
const BACKWARD_ROWS_A_WORKGROUP = 4;
/** Of four or one number each. */
const BACKWARD_COLUMNS_A_WORKGROUP = 256;

/** Outputs of the forward kernel, [M] each. */
export interface LogProbTensors {
  logProb: tf.TensorInfo;
  entropy: tf.TensorInfo;
  lse: tf.TensorInfo;
}

/**
 * Records the forward kernel.
 * @param into where the outputs are written; without it they are new
 */
export function recordTokenLogProb(
  logits: tf.TensorInfo,
  targets: tf.TensorInfo,
  temperature: number,
  into?: LogProbTensors,
): tf.TensorInfo[] {
  const [m, v] = logits.shape as [number, number];
  const outputs: OutputSpec[] = [[m], [m], [m]].map((shape) => ({ shape, dtype: 'float32' }));
  return runKernel(FORWARD(v).kernel, {
    inputs: [logits, targets],
    ...(into ? { inPlace: [into.logProb, into.entropy, into.lse] } : { outputs }),
    params: [{ u32: m }, { u32: v }, { f32: 1 / temperature }],
    workgroups: [Math.ceil(m / ROWS_A_WORKGROUP)],
  });
}

/** What the backward kernel needs besides logits and targets, [M] each. */
export const SLOPE_INPUTS = ['entropy', 'lse', 'dLogProb', 'dEntropy'] as const;

/**
 * Records the backward kernel.
 * @param slopes those of `SLOPE_INPUTS`, in that order
 * @param into where dlogits is written; without it it is new
 */
export function recordTokenLogProbBackward(
  logits: tf.TensorInfo,
  targets: tf.TensorInfo,
  slopes: tf.TensorInfo[],
  temperature: number,
  into?: tf.TensorInfo,
): tf.TensorInfo[] {
  const [m, v] = logits.shape as [number, number];
  const { kernel, count } = BACKWARD(v);
  return runKernel(kernel, {
    inputs: [logits, targets, ...slopes],
    ...(into ? { inPlace: [into] } : { outputs: [{ shape: [m, v], dtype: 'float32' }] }),
    params: [{ u32: m }, { u32: v }, { f32: 1 / temperature }],
    workgroups: [Math.ceil(m / BACKWARD_ROWS_A_WORKGROUP), Math.ceil(v / count / BACKWARD_COLUMNS_A_WORKGROUP)],
  });
}

registerWebGpu<TokenLogProbAttributes>(TOKEN_LOG_PROB, (inputs, { temperature }) =>
  recordTokenLogProb(
    input(TOKEN_LOG_PROB, inputs, 'logits'),
    input(TOKEN_LOG_PROB, inputs, 'targets', 'int32'),
    temperature,
  ),
);

registerWebGpu<TokenLogProbAttributes>(TOKEN_LOG_PROB_BACKWARD, (inputs, { temperature }) =>
  recordTokenLogProbBackward(
    input(TOKEN_LOG_PROB_BACKWARD, inputs, 'logits'),
    input(TOKEN_LOG_PROB_BACKWARD, inputs, 'targets', 'int32'),
    SLOPE_INPUTS.map((name) => input(TOKEN_LOG_PROB_BACKWARD, inputs, name)),
    temperature,
  ),
);
