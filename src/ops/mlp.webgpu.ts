/** WGSL MLP and the gradient of its hidden layer. */
import type * as tf from '@tensorflow/tfjs-core';
import { disposeScratch } from '../gpu/kernel';
import { runProduct } from './matrixProductKernels';
import { MLP, MLP_INNER_GRADIENT, type MlpAttributes } from './mlp';
import { input, registerWebGpu } from './webgpuOperation';

registerWebGpu<MlpAttributes>(MLP, (inputs, { keepInner }) => {
  const [inner, pre] = runProduct(
    { a: input(MLP, inputs, 'x'), b: input(MLP, inputs, 'w1') },
    { kind: 'gelu', bias: input(MLP, inputs, 'b1') },
  ) as [tf.TensorInfo, tf.TensorInfo];
  const [y] = runProduct(
    { a: inner, b: input(MLP, inputs, 'w2') },
    { kind: 'linear', bias: input(MLP, inputs, 'b2'), residual: input(MLP, inputs, 'residual') },
  ) as [tf.TensorInfo];
  if (keepInner) return [y, inner, pre];
  disposeScratch([inner, pre]);
  return [y];
});

registerWebGpu(MLP_INNER_GRADIENT, (inputs) =>
  runProduct(
    {
      a: input(MLP_INNER_GRADIENT, inputs, 'dy'),
      b: input(MLP_INNER_GRADIENT, inputs, 'w2'),
      transposeB: true,
    },
    { kind: 'geluBackward', pre: input(MLP_INNER_GRADIENT, inputs, 'pre') },
  ),
);
