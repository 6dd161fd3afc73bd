/** WGSL log-probabilities and entropy from logits, and their gradient. */
import backwardSource from '../../shaders/token_log_prob_backward.wgsl?raw';
import source from '../../shaders/token_log_prob.wgsl?raw';
import { runKernel } from '../gpu/kernel';
import { numbersKernel } from './numbersKernel';
import { TOKEN_LOG_PROB, TOKEN_LOG_PROB_BACKWARD, type TokenLogProbAttributes } from './tokenLogProb';
import { input, registerWebGpu } from './webgpuOperation';

const FORWARD = numbersKernel('token_log_prob', source);
const BACKWARD = numbersKernel('token_log_prob_backward', backwardSource);

const ROWS_A_WORKGROUP = 32;
const BACKWARD_ROWS_A_WORKGROUP = 4;
/** Of four or one number each. */
const BACKWARD_COLUMNS_A_WORKGROUP = 256;

registerWebGpu<TokenLogProbAttributes>(TOKEN_LOG_PROB, (inputs, { temperature }) => {
  const logits = input(TOKEN_LOG_PROB, inputs, 'logits');
  const [m, v] = logits.shape as [number, number];
  return runKernel(FORWARD(v).kernel, {
    inputs: [logits, input(TOKEN_LOG_PROB, inputs, 'targets', 'int32')],
    outputs: [[m], [m], [m]].map((shape) => ({ shape, dtype: 'float32' })),
    params: [{ u32: m }, { u32: v }, { f32: 1 / temperature }],
    workgroups: [Math.ceil(m / ROWS_A_WORKGROUP)],
  });
});

registerWebGpu<TokenLogProbAttributes>(TOKEN_LOG_PROB_BACKWARD, (inputs, { temperature }) => {
  const logits = input(TOKEN_LOG_PROB_BACKWARD, inputs, 'logits');
  const [m, v] = logits.shape as [number, number];
  const { kernel, count } = BACKWARD(v);
  return runKernel(kernel, {
    inputs: [
      logits,
      input(TOKEN_LOG_PROB_BACKWARD, inputs, 'targets', 'int32'),
      ...['entropy', 'lse', 'dLogProb', 'dEntropy'].map((name) => input(TOKEN_LOG_PROB_BACKWARD, inputs, name)),
    ],
    outputs: [{ shape: [m, v], dtype: 'float32' }],
    params: [{ u32: m }, { u32: v }, { f32: 1 / temperature }],
    workgroups: [Math.ceil(m / BACKWARD_ROWS_A_WORKGROUP), Math.ceil(v / count / BACKWARD_COLUMNS_A_WORKGROUP)],
  });
});
