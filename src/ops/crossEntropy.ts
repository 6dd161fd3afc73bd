/**
 * Weighted cross-entropy of the next token: loss = -sum_m weights_m log p(targets_m), as a scalar.
 *
 * With lse = log sum exp of a row of logits: log p = logits[target] - lse, and d loss / d logits = weights (p - 1[target]).
 * Shapes: logits [M, V]; targets [M] int32; weights, lse [M]; loss a scalar. float32, maximum taken out first. The
 * weights are data and have no gradient: 1 / M for a mean, 0 for padding.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { crossEntropyBackwardOnWasm, crossEntropyOnWasm } from './crossEntropy.wasm';
import { hostExp } from './hostExp';
import { hostFloats, unfilled } from './hostValues';
import { registerGradient, registerReference, registerWasm, runOperation } from './operation';

export const CROSS_ENTROPY = 'NudgeCrossEntropy';
/** Inputs logits, targets, weights, lse, dy; output dlogits [M, V]. */
export const CROSS_ENTROPY_BACKWARD = 'NudgeCrossEntropyBackward';

/**
 * @param logits [M, V]
 * @param targets [M], int32, each in [0, V)
 * @param weights [M]
 */
export function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor1D, weights: tf.Tensor1D): tf.Scalar {
  return runOperation(CROSS_ENTROPY, { logits, targets, weights })[0] as tf.Scalar;
}

registerReference(CROSS_ENTROPY, (inputs) => {
  const { logits, targets, weights } = inputs as { logits: tf.Tensor2D; targets: tf.Tensor1D; weights: tf.Tensor1D };
  const [rows, vocabulary] = logits.shape;
  const outputs = [unfilled([]), unfilled([rows])] as const;
  const [values, weight, lse] = [hostFloats(logits), hostFloats(weights), hostFloats(outputs[1])];
  const target = targets.dataSync<'int32'>();
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const at = row * vocabulary;
    let highest = -Infinity;
    for (let i = at; i < at + vocabulary; i++) if (values[i]! > highest) highest = values[i]!;
    let total = 0;
    for (let i = at; i < at + vocabulary; i++) total += hostExp(values[i]! - highest);
    const logTotal = Math.log(total);
    loss += weight[row]! * (logTotal + highest - values[at + target[row]!]!);
    lse[row] = logTotal + highest;
  }
  hostFloats(outputs[0])[0] = loss;
  return [...outputs];
});

registerReference(CROSS_ENTROPY_BACKWARD, (inputs) => {
  const [rows, vocabulary] = (inputs['logits'] as tf.Tensor2D).shape;
  const output = unfilled<tf.Rank.R2>([rows, vocabulary]);
  const [logits, weights, lse, [dy]] = ['logits', 'weights', 'lse', 'dy'].map((name) =>
    hostFloats(inputs[name] as tf.Tensor),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const dlogits = hostFloats(output);
  const targets = (inputs['targets'] as tf.Tensor1D).dataSync<'int32'>();
  for (let row = 0; row < rows; row++) {
    const at = row * vocabulary;
    const factor = weights[row]! * dy!;
    const normaliser = lse[row]!;
    for (let i = at; i < at + vocabulary; i++) dlogits[i] = factor * hostExp(logits[i]! - normaliser);
    const target = at + targets[row]!;
    dlogits[target] = dlogits[target]! - factor;
  }
  return [output];
});

registerWasm(CROSS_ENTROPY, crossEntropyOnWasm);
registerWasm(CROSS_ENTROPY_BACKWARD, crossEntropyBackwardOnWasm);

registerGradient(
  CROSS_ENTROPY,
  { inputs: ['logits', 'targets', 'weights'], outputs: [false, true] },
  ([dy], [logits, targets, weights, lse]) => ({
    logits: () =>
      runOperation(CROSS_ENTROPY_BACKWARD, { logits, targets, weights, lse, dy } as Record<
        string,
        tf.Tensor
      >)[0] as tf.Tensor,
  }),
);
