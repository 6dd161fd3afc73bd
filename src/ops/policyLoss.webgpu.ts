/** WGSL policy loss of PPO. */
import * as tf from '@tensorflow/tfjs-core';
import source from '../../shaders/policy_loss.wgsl?raw';
import { type Kernel, runKernel } from '../gpu/kernel';
import { POLICY_LOSS, type PolicyLossAttributes } from './policyLoss';
import { input, registerWebGpu } from './webgpuOperation';

const KERNEL: Kernel = { name: 'policy_loss', source };

registerWebGpu<PolicyLossAttributes>(POLICY_LOSS, (inputs, { clipRange, dualClip }) => {
  const logProbs = input(POLICY_LOSS, inputs, 'logProbs');
  const others = ['entropies', 'oldLogProbs', 'advantages', 'mask'].map((name) => input(POLICY_LOSS, inputs, name));
  return runKernel(KERNEL, {
    inputs: [logProbs, ...others],
    outputs: [[], [7], logProbs.shape].map((shape) => ({ shape, dtype: 'float32' })),
    params: [
      { u32: tf.util.sizeFromShape(logProbs.shape) },
      { f32: clipRange },
      { f32: 1 - clipRange },
      { f32: 1 + clipRange },
      { f32: dualClip },
    ],
    workgroups: [1],
  });
});
