/** WGSL advantages and returns. */
import source from '../../shaders/advantages.wgsl?raw';
import { type Kernel, runKernel } from '../gpu/kernel';
import { ADVANTAGES, type AdvantagesAttributes } from './advantages';
import { input, registerWebGpu } from './webgpuOperation';

const KERNEL: Kernel = { name: 'advantages', source };

registerWebGpu<AdvantagesAttributes>(ADVANTAGES, (inputs, { gamma, lam, whitened }) => {
  const rewards = input(ADVANTAGES, inputs, 'rewards');
  const [rows, length] = rewards.shape as [number, number];
  return runKernel(KERNEL, {
    inputs: [rewards, input(ADVANTAGES, inputs, 'values'), input(ADVANTAGES, inputs, 'mask')],
    outputs: [rewards.shape, rewards.shape].map((shape) => ({ shape, dtype: 'float32' })),
    params: [{ u32: rows }, { u32: length }, { f32: gamma }, { f32: gamma * lam }, { u32: Number(whitened) }],
    workgroups: [1],
  });
});
