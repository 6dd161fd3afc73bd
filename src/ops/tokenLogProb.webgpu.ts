/** WGSL log-probabilities and entropy from logits, and their gradient. */
import type * as tf from '@tensorflow/tfjs-core';
import backwardSource from '../../shaders/token_log_prob_backward.wgsl?raw';
import joinSource from '../../shaders/token_log_prob_join.wgsl?raw';
import partsSource from '../../shaders/token_log_prob_parts.wgsl?raw';
import source from '../../shaders/token_log_prob.wgsl?raw';
import {
  disposeScratch,
  type Kernel,
  type KernelCall,
  type OutputSpec,
  type Parameter,
  runKernel,
  workgroupsFor,
} from '../gpu/kernel';
import { numbersKernel } from './numbersKernel';
import { TOKEN_LOG_PROB, TOKEN_LOG_PROB_BACKWARD, type TokenLogProbAttributes } from './tokenLogProb';
import { input, registerWebGpu } from './webgpuOperation';

const FORWARD = numbersKernel('token_log_prob', source);
const PARTS = numbersKernel('token_log_prob_parts', partsSource);
const JOIN: Kernel = { name: 'token_log_prob_join', source: joinSource };
const BACKWARD = numbersKernel('token_log_prob_backward', backwardSource);

const ROWS_A_WORKGROUP = 32;
/** Vocabulary from which a row is shared, in two dispatches: one invocation a row would leave a GPU idle for long. */
const SHARED_VOCABULARY = 8192;
/** Invocations that share a row; the shaders' own number. */
const PARTS_A_ROW = 64;
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
 * Records the forward kernel, or its two halves.
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
  const params: Parameter[] = [{ u32: m }, { u32: v }, { f32: 1 / temperature }];
  const call: KernelCall = {
    ...(into ? { inPlace: [into.logProb, into.entropy, into.lse] } : { outputs }),
    params,
    workgroups: [Math.ceil(m / ROWS_A_WORKGROUP)],
  };
  if (v < SHARED_VOCABULARY) return runKernel(FORWARD(v).kernel, { ...call, inputs: [logits, targets] });
  const parts = runKernel(PARTS(v).kernel, {
    inputs: [logits],
    outputs: [{ shape: [m, PARTS_A_ROW, 4], dtype: 'float32' }],
    params,
    workgroups: workgroupsFor(m, 1),
  });
  const joined = runKernel(JOIN, { ...call, inputs: [logits, targets, ...parts] });
  disposeScratch(parts);
  return joined;
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
