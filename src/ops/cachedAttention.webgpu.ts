/** WGSL attention over a key-value cache, for decoding. */
import anySource from '../../shaders/cached_attention_any.wgsl?raw';
import source from '../../shaders/cached_attention.wgsl?raw';
import { KernelError } from '../errors';
import { type Kernel, runKernel } from '../gpu/kernel';
import { CACHED_ATTENTION, type CachedAttentionAttributes } from './cachedAttention';
import { fitsRegisters, headSize } from './causalAttentionVariants';
import { input, registerWebGpu } from './webgpuOperation';

const KERNEL: Kernel = { name: 'cached_attention', source };
const ANY: Kernel = { name: 'cached_attention_any', source: anySource };

const HEADS_A_WORKGROUP = 8;

registerWebGpu<CachedAttentionAttributes>(CACHED_ATTENTION, (inputs, { heads, position }) => {
  const cache = input(CACHED_ATTENTION, inputs, 'cache');
  const start = input(CACHED_ATTENTION, inputs, 'start', 'int32');
  const [batch, capacity, doubled] = cache.shape as [number, number, number];
  const size = headSize(CACHED_ATTENTION, doubled / 2, heads);
  if (position !== null && (position < 0 || position >= capacity)) {
    throw new KernelError(CACHED_ATTENTION, `expected a position below ${capacity}, got ${position}`);
  }
  const fromTensor = position === null;
  const inRegisters = fitsRegisters(size);
  return runKernel(inRegisters ? KERNEL : ANY, {
    inputs: [
      input(CACHED_ATTENTION, inputs, 'qkv'),
      start,
      // Without a position among the tensors something must stand in its place, unread.
      fromTensor ? input(CACHED_ATTENTION, inputs, 'position', 'int32') : start,
    ],
    inPlace: [cache],
    outputs: [{ shape: [batch, doubled / 2], dtype: 'float32' }],
    constants: { POSITION_FROM_TENSOR: Number(fromTensor), ...(inRegisters && { HEAD_VEC4: size / 4 }) },
    params: [
      { u32: batch },
      { u32: heads },
      ...(inRegisters ? [] : [{ u32: size }]),
      { u32: capacity },
      { u32: position ?? 0 },
      { f32: 1 / Math.sqrt(size) },
    ],
    workgroups: [Math.ceil((batch * heads) / HEADS_A_WORKGROUP)],
  });
});
