/** WGSL token and position embedding and its gradients. */
import type * as tf from '@tensorflow/tfjs-core';
import listsSource from '../../shaders/embedding_backward_lists.wgsl?raw';
import backwardSource from '../../shaders/embedding_backward.wgsl?raw';
import source from '../../shaders/embedding.wgsl?raw';
import { disposeScratch, type Kernel, type OutputSpec, runKernel, workgroupsFor } from '../gpu/kernel';
import { EMBEDDING, EMBEDDING_BACKWARD, type EmbeddingAttributes, type EmbeddingBackwardAttributes } from './embedding';
import { numbersKernel } from './numbersKernel';
import { passThrough } from './passThrough';
import { input, registerWebGpu } from './webgpuOperation';

const FORWARD = numbersKernel('embedding', source);
const LISTS: Kernel = { name: 'embedding_backward_lists', source: listsSource };
const BACKWARD = numbersKernel('embedding_backward', backwardSource);

/** Vocabulary entries whose lists one invocation makes. */
const ENTRIES = 4;

registerWebGpu<EmbeddingAttributes>(EMBEDDING, (inputs, { offset, passWte }) => {
  const ids = input(EMBEDDING, inputs, 'ids', 'int32');
  const start = input(EMBEDDING, inputs, 'start', 'int32');
  const wte = input(EMBEDDING, inputs, 'wte');
  const [batch, length] = ids.shape as [number, number];
  const width = wte.shape[1] as number;
  const { kernel, count } = FORWARD(width);
  const tokens = batch * length;
  const fromTensor = offset === null;
  const outputs = runKernel(kernel, {
    inputs: [
      ids,
      start,
      wte,
      input(EMBEDDING, inputs, 'wpe'),
      // Without an offset among the tensors something must stand in its place, unread.
      fromTensor ? input(EMBEDDING, inputs, 'offset', 'int32') : start,
    ],
    outputs: [{ shape: [batch, length, width], dtype: 'float32' }],
    constants: { OFFSET_FROM_TENSOR: Number(fromTensor) },
    params: [{ u32: tokens }, { u32: length }, { u32: width }, { i32: offset ?? 0 }],
    workgroups: workgroupsFor((tokens * width) / count, 512),
  });
  return passWte ? [...outputs, passThrough(wte)] : outputs;
});

registerWebGpu<EmbeddingBackwardAttributes>(EMBEDDING_BACKWARD, (inputs, { offset }) => {
  const ids = input(EMBEDDING_BACKWARD, inputs, 'ids', 'int32');
  const start = input(EMBEDDING_BACKWARD, inputs, 'start', 'int32');
  const wte = input(EMBEDDING_BACKWARD, inputs, 'wte');
  const wpe = input(EMBEDDING_BACKWARD, inputs, 'wpe');
  const dy = input(EMBEDDING_BACKWARD, inputs, 'dy');
  const dPassed = 'dPassed' in inputs ? input(EMBEDDING_BACKWARD, inputs, 'dPassed') : undefined;
  const [batch, length, width] = dy.shape as [number, number, number];
  const vocabulary = wte.shape[0] as number;
  const context = wpe.shape[0] as number;
  const tokens = batch * length;
  const lists = runKernel(LISTS, {
    inputs: [ids],
    outputs: [
      { shape: [vocabulary], dtype: 'int32' },
      { shape: [tokens], dtype: 'int32' },
    ],
    params: [{ u32: tokens }, { u32: vocabulary }],
    workgroups: [Math.ceil(vocabulary / ENTRIES / 64)],
  });
  const { kernel, count } = BACKWARD(width);
  const tokenGroups = Math.ceil((vocabulary * width) / count / 64);
  const positionGroups = Math.ceil((context * width) / count / 64);
  const ofWte: OutputSpec = { shape: [vocabulary, width], dtype: 'float32', home: wte };
  const ofWpe: OutputSpec = { shape: [context, width], dtype: 'float32', home: wpe };
  const gradients = runKernel(kernel, {
    inputs: [...lists, start, dy],
    ...(dPassed ? { inPlace: [dPassed], outputs: [ofWpe] } : { outputs: [ofWte, ofWpe] }),
    constants: { PASSED: Number(dPassed !== undefined) },
    params: [
      { u32: batch },
      { u32: length },
      { u32: vocabulary },
      { u32: context },
      { u32: width },
      { i32: offset },
      { u32: tokenGroups },
    ],
    workgroups: workgroupsFor(64 * (tokenGroups + positionGroups), 64),
  });
  disposeScratch(lists);
  return dPassed ? [passThrough(dPassed), gradients[0] as tf.TensorInfo] : gradients;
});
