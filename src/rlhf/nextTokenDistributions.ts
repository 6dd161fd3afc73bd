/**
 * The whole distribution of every next token of a response, where the sampled token's log-prob alone does not do: for
 * an entropy bonus, which has to be differentiated, and for the exact KL.
 *
 * Letters: B rows, P prompt length, R response length, V vocabulary. Stores [B R, V] numbers: for small vocabularies.
 */
import * as tf from '@tensorflow/tfjs-core';
import { statesAndHead, type Gpt } from '../model/gpt';
import { matrixProduct } from '../ops/matrixProduct';
import { responseRows } from '../ops/responseRows';
import { exactKl } from './kl';

/**
 * Logits of the tokens P … P + R - 1, from the hidden states one position earlier.
 * @param ids [B, P + R] int32
 * @param start [B] int32
 * @param promptLength P
 * @returns [B R, V], differentiable
 */
export function responseLogits(gpt: Gpt, ids: tf.Tensor2D, start: tf.Tensor1D, promptLength: number): tf.Tensor2D {
  const { hidden, wte } = statesAndHead(gpt, ids, start);
  return matrixProduct(responseRows(hidden, promptLength), wte, { transposeB: true });
}

/**
 * Log-probs of the sampled tokens and entropies, both differentiable.
 * @param temperature divides the logits, as it did when the response was sampled
 * @returns both [B, R]; those of padding mean nothing
 */
export function logProbsAndEntropies(
  responseLogits: tf.Tensor2D,
  ids: tf.Tensor2D,
  promptLength: number,
  temperature: number,
): { logProbs: tf.Tensor2D; entropies: tf.Tensor2D } {
  const [B, length] = ids.shape;
  const R = length - promptLength;
  const V = responseLogits.shape[1];
  const all = tf.logSoftmax(tf.div(responseLogits, temperature)); // [B R, V]
  const targets = tf.oneHot(tf.cast(tf.reshape(tf.slice(ids, [0, promptLength], [B, R]), [-1]), 'int32'), V);
  return {
    logProbs: tf.reshape(tf.sum(tf.mul(all, targets), 1), [B, R]),
    entropies: tf.reshape(tf.neg(tf.sum(tf.mul(tf.exp(all), all), 1)), [B, R]),
  };
}

/** Exact KL of every next token from the reference policy's, [B, R], nats; differentiable by the first. */
export function exactKlOfTokens(
  policyLogits: tf.Tensor2D,
  refLogits: tf.Tensor2D,
  responseMask: tf.Tensor2D,
  temperature: number,
): tf.Tensor2D {
  const perToken = tf.reshape<tf.Rank.R2>(exactKl(policyLogits, refLogits, temperature), responseMask.shape);
  return tf.mul(perToken, responseMask);
}
