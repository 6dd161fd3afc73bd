/** WGSL log-probabilities and entropy from logits, and their gradient. */
import backwardSource from '../../shaders/token_log_prob_backward.wgsl?raw';
import source from '../../shaders/token_log_prob.wgsl?raw';
import { type Kernel, runKernel } from '../gpu/kernel';
import { TOKEN_LOG_PROB, TOKEN_LOG_PROB_BACKWARD, type TokenLogProbAttributes } from './tokenLogProb';
import { input, registerWebGpu } from './webgpuOperation';

const FORWARD: Kernel = { name: 'token_log_prob', source };
const BACKWARD: Kernel = { name: 'token_log_prob_backward', source: backwardSource };

registerWebGpu<TokenLogProbAttributes>(TOKEN_LOG_PROB, (inputs, { temperature }) => {
  const logits = input(TOKEN_LOG_PROB, inputs, 'logits');
  const [m, v] = logits.shape as [number, number];
  return runKernel(FORWARD, {
    inputs: [logits, input(TOKEN_LOG_PROB, inputs, 'targets', 'int32')],
    outputs: [[m], [m], [m]].map((shape) => ({ shape, dtype: 'float32' })),
    params: [{ u32: m }, { u32: v }, { f32: 1 / temperature }],
    workgroups: [Math.ceil(m / 32)],
  });
});

registerWebGpu<TokenLogProbAttributes>(TOKEN_LOG_PROB_BACKWARD, (inputs, { temperature }) => {
  const logits = input(TOKEN_LOG_PROB_BACKWARD, inputs, 'logits');
  const [m, v] = logits.shape as [number, number];
  return runKernel(BACKWARD, {
    inputs: [
      logits,
      input(TOKEN_LOG_PROB_BACKWARD, inputs, 'targets', 'int32'),
      ...['entropy', 'lse', 'dLogProb', 'dEntropy'].map((name) => input(TOKEN_LOG_PROB_BACKWARD, inputs, name)),
    ],
    outputs: [{ shape: [m, v], dtype: 'float32' }],
    params: [{ u32: m }, { u32: v }, { f32: 1 / temperature }],
    workgroups: [m, Math.ceil(v / 512)],
  });
});
