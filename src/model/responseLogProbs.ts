/**
 * Log-probs of responses under a GPT, with the entropy of every step.
 *
 * A row of `ids` [B, P + R] is a left-padded prompt and a right-padded response. The logits one position earlier
 * predict a token, so hidden states P - 1 … P + R - 2 give the log-probs of tokens P … P + R - 1.
 */
import * as tf from '@tensorflow/tfjs-core';
import { tokenLogProb } from '../ops/tokenLogProb';
import { logits, statesAndHead, type Gpt, type StatesAndHead } from './gpt';

/**
 * @param ids [B, P + R] int32
 * @param start [B] int32
 * @param promptLength P
 * @param temperature divides the logits, as it did when the response was sampled
 * @returns log-probs and entropies [B, R]; those of padding mean nothing and are for the caller to mask
 */
export function responseLogProbs(
  gpt: Gpt,
  ids: tf.Tensor2D,
  start: tf.Tensor1D,
  promptLength: number,
  temperature: number,
): { logProbs: tf.Tensor2D; entropy: tf.Tensor2D } {
  return responseLogProbsFrom(gpt, statesAndHead(gpt, ids, start), ids, promptLength, temperature);
}

/** The same from the states of a pass that was made already. */
export function responseLogProbsFrom(
  gpt: Gpt,
  { hidden, wte }: StatesAndHead,
  ids: tf.Tensor2D,
  promptLength: number,
  temperature: number,
): { logProbs: tf.Tensor2D; entropy: tf.Tensor2D } {
  const [batch, length] = ids.shape;
  const responseLength = length - promptLength;
  const before = tf.reshape<tf.Rank.R2>(
    tf.slice(hidden, [0, promptLength - 1, 0], [batch, responseLength, gpt.shape.width]),
    [batch * responseLength, gpt.shape.width],
  );
  const targets = tf.reshape<tf.Rank.R1>(tf.slice(ids, [0, promptLength], [batch, responseLength]), [
    batch * responseLength,
  ]);
  const { logProb, entropy } = tokenLogProb(logits(gpt, before, wte), targets, temperature);
  return {
    logProbs: tf.reshape<tf.Rank.R2>(logProb, [batch, responseLength]),
    entropy: tf.reshape<tf.Rank.R2>(entropy, [batch, responseLength]),
  };
}
