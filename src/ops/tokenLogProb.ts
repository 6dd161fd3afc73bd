/**
 * Log-probability of a token and entropy of its distribution, from logits at a temperature. The cross-entropy of
 * language modelling is minus the log-probability at temperature 1.
 *
 * With l = logits / T:  lse = log sum exp l,  logProb = l[target] - lse,  entropy = lse - sum p l,  p = exp(l - lse).
 * Shapes: logits [M, V]; targets [M] int32; logProb, entropy, lse [M]. float32 throughout, maximum taken out first.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { hostExp } from './hostExp';
import { hostFloats, unfilled } from './hostValues';
import { registerGradient, registerReference, registerWasm, runOperation } from './operation';
import { tokenLogProbBackwardOnWasm, tokenLogProbOnWasm } from './tokenLogProb.wasm';

export const TOKEN_LOG_PROB = 'NudgeTokenLogProb';
/** Inputs logits, targets, entropy, lse, dLogProb, dEntropy; output dlogits [M, V]. */
export const TOKEN_LOG_PROB_BACKWARD = 'NudgeTokenLogProbBackward';

export interface TokenLogProbAttributes {
  temperature: number;
}

/**
 * @param logits [M, V]
 * @param targets [M], int32, each in [0, V)
 * @param temperature above 0; the same in sampling and in every log-prob of PPO
 */
export function tokenLogProb(
  logits: tf.Tensor2D,
  targets: tf.Tensor1D,
  temperature = 1,
): { logProb: tf.Tensor1D; entropy: tf.Tensor1D } {
  const attributes: TokenLogProbAttributes = { temperature };
  const [logProb, entropy] = runOperation(TOKEN_LOG_PROB, { logits, targets }, attributes);
  return { logProb: logProb as tf.Tensor1D, entropy: entropy as tf.Tensor1D };
}

registerReference<TokenLogProbAttributes>(TOKEN_LOG_PROB, (inputs, { temperature }) => {
  const { logits, targets } = inputs as { logits: tf.Tensor2D; targets: tf.Tensor1D };
  const [rows, vocabulary] = logits.shape;
  const outputs = [unfilled([rows]), unfilled([rows]), unfilled([rows])] as const;
  const values = hostFloats(logits);
  const [logProb, entropy, lse] = outputs.map(hostFloats) as [Float32Array, Float32Array, Float32Array];
  const target = targets.dataSync<'int32'>();
  const scale = 1 / temperature;
  for (let row = 0; row < rows; row++) {
    const at = row * vocabulary;
    let highest = -Infinity;
    for (let i = at; i < at + vocabulary; i++) if (values[i]! > highest) highest = values[i]!;
    let total = 0;
    let weighted = 0;
    for (let i = at; i < at + vocabulary; i++) {
      const shifted = (values[i]! - highest) * scale;
      const weight = hostExp(shifted);
      total += weight;
      weighted += weight * shifted;
    }
    const logTotal = Math.log(total);
    logProb[row] = (values[at + target[row]!]! - highest) * scale - logTotal;
    // entropy = lse - sum p l, with the maximum taken out of both.
    entropy[row] = logTotal - weighted / total;
    lse[row] = logTotal + highest * scale;
  }
  return [...outputs];
});

// dlogits = (dLogProb (1[v = target] - p) - dEntropy p (log p + entropy)) / T
registerReference<TokenLogProbAttributes>(TOKEN_LOG_PROB_BACKWARD, (inputs, { temperature }) => {
  const [rows, vocabulary] = (inputs['logits'] as tf.Tensor2D).shape;
  const output = unfilled<tf.Rank.R2>([rows, vocabulary]);
  const [logits, entropy, lse, dLogProb, dEntropy] = ['logits', 'entropy', 'lse', 'dLogProb', 'dEntropy'].map((name) =>
    hostFloats(inputs[name] as tf.Tensor),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
  const dlogits = hostFloats(output);
  const targets = (inputs['targets'] as tf.Tensor1D).dataSync<'int32'>();
  const scale = 1 / temperature;
  for (let row = 0; row < rows; row++) {
    const at = row * vocabulary;
    const fromLogProb = dLogProb[row]! * scale;
    const fromEntropy = dEntropy[row]! * scale;
    for (let i = at; i < at + vocabulary; i++) {
      const logP = logits[i]! * scale - lse[row]!;
      dlogits[i] = -hostExp(logP) * (fromLogProb + fromEntropy * (logP + entropy[row]!));
    }
    const target = at + targets[row]!;
    dlogits[target] = dlogits[target]! + fromLogProb;
  }
  return [output];
});

registerWasm(TOKEN_LOG_PROB, tokenLogProbOnWasm);
registerWasm(TOKEN_LOG_PROB_BACKWARD, tokenLogProbBackwardOnWasm);

registerGradient<TokenLogProbAttributes>(
  TOKEN_LOG_PROB,
  { inputs: ['logits', 'targets'], outputs: [false, true, true] },
  ([dLogProb, dEntropy], [logits, targets, entropy, lse], attributes) => ({
    logits: () =>
      runOperation(
        TOKEN_LOG_PROB_BACKWARD,
        { logits, targets, entropy, lse, dLogProb, dEntropy } as Record<string, tf.Tensor>,
        attributes,
      )[0] as tf.Tensor,
  }),
);
