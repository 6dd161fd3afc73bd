/** WGSL causal attention and its gradient. */
import { webGpuBackend } from '../gpu/kernel';
import { quadsWork } from '../gpu/quad';
import { type AttentionAttributes, CAUSAL_ATTENTION, CAUSAL_ATTENTION_BACKWARD } from './causalAttention';
import {
  attend,
  attendBackward,
  type AttentionVariant,
  fillsQuads,
  fitsVec4,
  headSize,
} from './causalAttentionVariants';
import { type InputInfos, input, registerWebGpu } from './webgpuOperation';

/** The fastest variant that fits. */
function variantFor(operation: string, inputs: InputInfos, heads: number): AttentionVariant {
  const tripled = input(operation, inputs, 'qkv').shape[2] as number;
  const size = headSize(operation, tripled / 3, heads);
  if (fillsQuads(size) && quadsWork(webGpuBackend(operation).device)) return 'quad';
  return fitsVec4(size) ? 'vec4' : 'any';
}

registerWebGpu<AttentionAttributes>(CAUSAL_ATTENTION, (inputs, { heads }) =>
  attend(
    variantFor(CAUSAL_ATTENTION, inputs, heads),
    {
      qkv: input(CAUSAL_ATTENTION, inputs, 'qkv'),
      start: input(CAUSAL_ATTENTION, inputs, 'start', 'int32'),
    },
    heads,
  ),
);

registerWebGpu<AttentionAttributes>(CAUSAL_ATTENTION_BACKWARD, (inputs, { heads }) => [
  attendBackward(
    variantFor(CAUSAL_ATTENTION_BACKWARD, inputs, heads),
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
