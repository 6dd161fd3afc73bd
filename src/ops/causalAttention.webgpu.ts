/** WGSL causal attention and its gradient. */
import { webGpuBackend } from '../gpu/kernel';
import { type AttentionAttributes, CAUSAL_ATTENTION, CAUSAL_ATTENTION_BACKWARD } from './causalAttention';
import { attend, attendBackward } from './causalAttentionVariants';
import { input, registerWebGpu } from './webgpuOperation';

registerWebGpu<AttentionAttributes>(CAUSAL_ATTENTION, (inputs, { heads }) =>
  attend(
    webGpuBackend(CAUSAL_ATTENTION).device,
    {
      qkv: input(CAUSAL_ATTENTION, inputs, 'qkv'),
      start: input(CAUSAL_ATTENTION, inputs, 'start', 'int32'),
    },
    heads,
  ),
);

registerWebGpu<AttentionAttributes>(CAUSAL_ATTENTION_BACKWARD, (inputs, { heads }) => [
  attendBackward(
    webGpuBackend(CAUSAL_ATTENTION_BACKWARD).device,
    {
      qkv: input(CAUSAL_ATTENTION_BACKWARD, inputs, 'qkv'),
      start: input(CAUSAL_ATTENTION_BACKWARD, inputs, 'start', 'int32'),
      out: input(CAUSAL_ATTENTION_BACKWARD, inputs, 'out'),
      lse: input(CAUSAL_ATTENTION_BACKWARD, inputs, 'lse'),
      dy: input(CAUSAL_ATTENTION_BACKWARD, inputs, 'dy'),
    },
    heads,
  ),
]);
