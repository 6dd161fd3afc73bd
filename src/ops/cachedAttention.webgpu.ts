/** WGSL attention over a key-value cache, for decoding. */
import source from '../../shaders/cached_attention.wgsl?raw';
import { KernelError } from '../errors';
import { type Kernel, runKernel } from '../gpu/kernel';
import { CACHED_ATTENTION, type CachedAttentionAttributes } from './cachedAttention';
import { headSize } from './causalAttention.webgpu';
import { input, registerWebGpu } from './webgpuOperation';

const KERNEL: Kernel = { name: 'cached_attention', source };

registerWebGpu<CachedAttentionAttributes>(CACHED_ATTENTION, (inputs, { heads, position }) => {
  const cache = input(CACHED_ATTENTION, inputs, 'cache');
  const [batch, capacity, doubled] = cache.shape as [number, number, number];
  const size = headSize(CACHED_ATTENTION, doubled / 2, heads);
  if (position < 0 || position >= capacity) {
    throw new KernelError(CACHED_ATTENTION, `expected a position below ${capacity}, got ${position}`);
  }
  return runKernel(KERNEL, {
    inputs: [input(CACHED_ATTENTION, inputs, 'qkv'), input(CACHED_ATTENTION, inputs, 'start', 'int32')],
    inPlace: [cache],
    outputs: [{ shape: [batch, doubled / 2], dtype: 'float32' }],
    constants: { HEAD_VEC4: size / 4 },
    params: [{ u32: batch }, { u32: heads }, { u32: capacity }, { u32: position }, { f32: 1 / Math.sqrt(size) }],
    workgroups: [Math.ceil((batch * heads) / 8)],
  });
});
