/**
 * Scores of replies: score[b] = Σ_t pooling[b, t] scalars[b, t] + u Σ_t mask[b, t] logProbs[b, t].
 *
 * Shapes: scalars, pooling [B, T]; logProbs, mask [B, R]; likelihood (u) [1]; score, log-likelihood [B]. pooling and
 * mask are data and have no gradient.
 */
import * as tf from '@tensorflow/tfjs-core';
import { registerGradient, registerReference, runOperation } from './operation';

/** Inputs as in `ReplyScoreInputs`; outputs score, logLikelihood. */
export const REPLY_SCORE = 'NudgeReplyScore';
/** Inputs pooling, mask, likelihood, logLikelihood, dScore; outputs dScalars, dLogProbs, dLikelihood. */
export const REPLY_SCORE_BACKWARD = 'NudgeReplyScoreBackward';

export interface ReplyScoreInputs {
  scalars: tf.Tensor2D;
  pooling: tf.Tensor2D;
  logProbs: tf.Tensor2D;
  mask: tf.Tensor2D;
  likelihood: tf.Tensor1D;
}

/** Returns [B]. */
export function replyScore(inputs: ReplyScoreInputs): tf.Tensor1D {
  return runOperation(REPLY_SCORE, { ...inputs })[0] as tf.Tensor1D;
}

registerReference(REPLY_SCORE, (inputs) => {
  const { scalars, pooling, logProbs, mask, likelihood } = inputs as Record<keyof ReplyScoreInputs, tf.Tensor>;
  const logLikelihood = tf.sum(tf.mul(logProbs, mask), 1);
  return [tf.add(tf.sum(tf.mul(scalars, pooling), 1), tf.mul(logLikelihood, likelihood)), logLikelihood];
});

registerReference(REPLY_SCORE_BACKWARD, (inputs) => {
  const { pooling, mask, likelihood, logLikelihood, dScore } = inputs as Record<
    'pooling' | 'mask' | 'likelihood' | 'logLikelihood' | 'dScore',
    tf.Tensor
  >;
  const column = tf.reshape(dScore, [-1, 1]);
  return [
    tf.mul(pooling, column),
    tf.mul(mask, tf.mul(column, likelihood)),
    tf.reshape(tf.sum(tf.mul(dScore, logLikelihood)), [1]),
  ];
});

registerGradient(
  REPLY_SCORE,
  { inputs: ['pooling', 'mask', 'likelihood'], outputs: [false, true] },
  ([dScore], [pooling, mask, likelihood, logLikelihood]) => {
    const inputs = { pooling, mask, likelihood, logLikelihood, dScore } as Record<string, tf.Tensor>;
    const gradients = runOperation(REPLY_SCORE_BACKWARD, inputs);
    const [dScalars, dLogProbs, dLikelihood] = gradients as [tf.Tensor, tf.Tensor, tf.Tensor];
    return { scalars: () => dScalars, logProbs: () => dLogProbs, likelihood: () => dLikelihood };
  },
);
