/**
 * Log-probability of a token and entropy of its distribution, from logits at a temperature. The cross-entropy of
 * language modelling is minus the log-probability at temperature 1.
 *
 * With l = logits / T:  lse = log sum exp l,  logProb = l[target] - lse,  entropy = lse - sum p l,  p = exp(l - lse).
 * Shapes: logits [M, V]; targets [M] int32; logProb, entropy, lse [M]. float32 throughout, maximum taken out first.
 */
import * as tf from '@tensorflow/tfjs-core';
import { registerGradient, registerReference, runOperation } from './operation';

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
  const l = temperature === 1 ? logits : (tf.div(logits, temperature) as tf.Tensor2D);
  const highest = tf.max(l, 1, true);
  const shifted = tf.sub(l, highest);
  const weights = tf.exp(shifted);
  const total = tf.sum(weights, 1); // [M]
  const logTotal = tf.log(total);
  const targetIndex = tf.add(tf.mul(tf.range(0, rows, 1, 'int32'), tf.scalar(vocabulary, 'int32')), targets);
  const target = tf.gather(tf.reshape(shifted, [-1]), tf.cast(targetIndex, 'int32') as tf.Tensor1D);
  // entropy = lse - sum p l, with the maximum taken out of both.
  const entropy = tf.sub(logTotal, tf.div(tf.sum(tf.mul(weights, shifted), 1), total));
  return [tf.sub(target, logTotal), entropy, tf.add(logTotal, tf.squeeze(highest, [1]))];
});

// dlogits = (dLogProb (1[v = target] - p) - dEntropy p (log p + entropy)) / T
registerReference<TokenLogProbAttributes>(TOKEN_LOG_PROB_BACKWARD, (inputs, { temperature }) => {
  const { logits, targets, entropy, lse, dLogProb, dEntropy } = inputs as Record<
    'logits' | 'targets' | 'entropy' | 'lse' | 'dLogProb' | 'dEntropy',
    tf.Tensor
  >;
  const column = (x: tf.Tensor): tf.Tensor2D => tf.reshape(x, [-1, 1]);
  const l = temperature === 1 ? logits : tf.div(logits, temperature);
  const logP = tf.sub(l, column(lse));
  const p = tf.exp(logP);
  const chosen = tf.oneHot(targets as tf.Tensor1D, logits.shape[1] as number);
  const fromLogProb = tf.mul(tf.sub(tf.cast(chosen, 'float32'), p), column(dLogProb));
  const fromEntropy = tf.mul(tf.mul(p, tf.add(logP, column(entropy))), column(dEntropy));
  return [tf.div(tf.sub(fromLogProb, fromEntropy), temperature)];
});

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
