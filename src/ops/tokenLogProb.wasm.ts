/** Log-probability of a token on WASM: shaders/simd/logProb.ts. */
import type * as tf from '@tensorflow/tfjs-core';
import { addressOf, type SimdKernels } from '../gpu/simd';
import { unfilled } from './hostValues';
import type { Inputs } from './operation';
import type { TokenLogProbAttributes } from './tokenLogProb';

export function tokenLogProbOnWasm(
  kernels: SimdKernels,
  inputs: Inputs,
  { temperature }: TokenLogProbAttributes,
): tf.Tensor[] {
  const { logits, targets } = inputs as { logits: tf.Tensor2D; targets: tf.Tensor1D };
  const [rows, vocabulary] = logits.shape;
  const outputs = [unfilled([rows]), unfilled([rows]), unfilled([rows])] as const;
  const to = outputs.map(addressOf) as [number, number, number];
  kernels.tokenLogProb(...to, addressOf(logits), addressOf(targets), 1 / temperature, rows, vocabulary);
  return [...outputs];
}

export function tokenLogProbBackwardOnWasm(
  kernels: SimdKernels,
  inputs: Inputs,
  { temperature }: TokenLogProbAttributes,
): tf.Tensor[] {
  const { logits, targets, entropy, lse, dLogProb, dEntropy } = inputs as Record<
    'targets' | 'entropy' | 'lse' | 'dLogProb' | 'dEntropy',
    tf.Tensor
  > & { logits: tf.Tensor2D };
  const [rows, vocabulary] = logits.shape;
  const dlogits = unfilled([rows, vocabulary]);
  kernels.tokenLogProbBackward(
    addressOf(dlogits),
    addressOf(logits),
    addressOf(targets),
    addressOf(entropy),
    addressOf(lse),
    addressOf(dLogProb),
    addressOf(dEntropy),
    1 / temperature,
    rows,
    vocabulary,
  );
  return [dlogits];
}
