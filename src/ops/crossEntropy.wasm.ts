/** Cross-entropy on WASM: shaders/simd/logProb.ts. */
import type * as tf from '@tensorflow/tfjs-core';
import { addressOf, type SimdKernels } from '../gpu/simd';
import { hostFloats, unfilled } from './hostValues';
import type { Inputs } from './operation';

export function crossEntropyOnWasm(kernels: SimdKernels, inputs: Inputs): tf.Tensor[] {
  const { logits, targets, weights } = inputs as { logits: tf.Tensor2D; targets: tf.Tensor1D; weights: tf.Tensor1D };
  const [rows, vocabulary] = logits.shape;
  const [loss, lse] = [unfilled([]), unfilled([rows])];
  const [to, lseTo, from] = [addressOf(loss), addressOf(lse), addressOf(logits)];
  kernels.crossEntropy(to, lseTo, from, addressOf(targets), addressOf(weights), rows, vocabulary);
  return [loss, lse];
}

export function crossEntropyBackwardOnWasm(kernels: SimdKernels, inputs: Inputs): tf.Tensor[] {
  const { logits, targets, weights, lse, dy } = inputs as Record<'targets' | 'weights' | 'lse' | 'dy', tf.Tensor> & {
    logits: tf.Tensor2D;
  };
  const [rows, vocabulary] = logits.shape;
  const dlogits = unfilled([rows, vocabulary]);
  kernels.crossEntropyBackward(
    addressOf(dlogits),
    addressOf(logits),
    addressOf(targets),
    addressOf(weights),
    addressOf(lse),
    hostFloats(dy)[0]!,
    rows,
    vocabulary,
  );
  return [dlogits];
}
