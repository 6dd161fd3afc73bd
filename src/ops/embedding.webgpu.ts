/** WGSL token and position embedding and its gradients. */
import type * as tf from '@tensorflow/tfjs-core';
import listsSource from '../../shaders/embedding_backward_lists.wgsl?raw';
import positionSource from '../../shaders/embedding_backward_position.wgsl?raw';
import tokenSource from '../../shaders/embedding_backward_token.wgsl?raw';
import source from '../../shaders/embedding.wgsl?raw';
import { disposeScratch, type Kernel, runKernel, workgroupsFor } from '../gpu/kernel';
import { EMBEDDING, EMBEDDING_BACKWARD, type EmbeddingAttributes, type EmbeddingBackwardAttributes } from './embedding';
import { input, registerWebGpu } from './webgpuOperation';

const FORWARD: Kernel = { name: 'embedding', source };
const LISTS: Kernel = { name: 'embedding_backward_lists', source: listsSource };
const TOKEN: Kernel = { name: 'embedding_backward_token', source: tokenSource };
const POSITION: Kernel = { name: 'embedding_backward_position', source: positionSource };

registerWebGpu<EmbeddingAttributes>(EMBEDDING, (inputs, { offset }) => {
  const ids = input(EMBEDDING, inputs, 'ids', 'int32');
  const wte = input(EMBEDDING, inputs, 'wte');
  const [batch, length] = ids.shape as [number, number];
  const width = wte.shape[1] as number;
  const size = batch * length * width;
  return runKernel(FORWARD, {
    inputs: [ids, input(EMBEDDING, inputs, 'start', 'int32'), wte, input(EMBEDDING, inputs, 'wpe')],
    outputs: [{ shape: [batch, length, width], dtype: 'float32' }],
    params: [{ u32: size }, { u32: length }, { u32: width }, { i32: offset }],
    workgroups: workgroupsFor(size, 512),
  });
});

registerWebGpu<EmbeddingBackwardAttributes>(EMBEDDING_BACKWARD, (inputs, { offset, vocabulary, context }) => {
  const ids = input(EMBEDDING_BACKWARD, inputs, 'ids', 'int32');
  const start = input(EMBEDDING_BACKWARD, inputs, 'start', 'int32');
  const dy = input(EMBEDDING_BACKWARD, inputs, 'dy');
  const [batch, length, width] = dy.shape as [number, number, number];
  const tokens = batch * length;
  const lists = runKernel(LISTS, {
    inputs: [ids],
    outputs: [
      { shape: [vocabulary], dtype: 'int32' },
      { shape: [tokens], dtype: 'int32' },
    ],
    params: [{ u32: tokens }, { u32: vocabulary }],
    workgroups: [Math.ceil((vocabulary + tokens) / 64)],
  });
  const [dwte] = runKernel(TOKEN, {
    inputs: [...lists, dy],
    outputs: [{ shape: [vocabulary, width], dtype: 'float32' }],
    params: [{ u32: vocabulary }, { u32: width }],
    workgroups: workgroupsFor(vocabulary * Math.ceil(width / 4), 64),
  });
  disposeScratch(lists);
  const [dwpe] = runKernel(POSITION, {
    inputs: [start, dy],
    outputs: [{ shape: [context, width], dtype: 'float32' }],
    params: [{ u32: batch }, { u32: length }, { u32: context }, { u32: width }, { i32: offset }],
    workgroups: [Math.ceil((context * width) / 64)],
  });
  return [dwte, dwpe] as tf.TensorInfo[];
});
