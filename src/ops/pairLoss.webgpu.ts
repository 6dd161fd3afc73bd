/** WGSL ranking loss over all pairs. */
import source from '../../shaders/pair_loss.wgsl?raw';
import { type Kernel, runKernel } from '../gpu/kernel';
import { PAIR_LOSS, type PairLossAttributes } from './pairLoss';
import { input, registerWebGpu } from './webgpuOperation';

const KERNEL: Kernel = { name: 'pair_loss', source };

registerWebGpu<PairLossAttributes>(PAIR_LOSS, (inputs, { margin, centreCoef }) => {
  const rewards = input(PAIR_LOSS, inputs, 'rewards');
  const [rankings, replies] = rewards.shape as [number, number];
  return runKernel(KERNEL, {
    inputs: [rewards, input(PAIR_LOSS, inputs, 'weights')],
    outputs: [[], rewards.shape].map((shape) => ({ shape, dtype: 'float32' })),
    params: [{ u32: rankings }, { u32: replies }, { f32: margin }, { f32: centreCoef }],
    workgroups: [1],
  });
});
