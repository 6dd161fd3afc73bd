/**
 * Log-probs of responses under a GPT, with the entropy of every step.
 *
 * A row of `ids` [B, P + R] is a left-padded prompt and a right-padded response. The logits one position earlier
 * predict a token, so hidden states P - 1 … P + R - 2 give the log-probs of tokens P … P + R - 1.
 */
import * as tf from '@tensorflow/tfjs-core';
import { headLogProb } from '../ops/outputHead';
import { realRows } from '../ops/realRows';
import { responseRows, responseRowsBeside } from '../ops/responseRows';
import { statesAndHead, type Gpt, type StatesAndHead } from './gpt';

/** Log-probs and entropies [B, R]; those of padding mean nothing and are for the caller to mask. */
export interface ResponseLogProbs {
  logProbs: tf.Tensor2D;
  entropy: tf.Tensor2D;
}

/**
 * @param ids [B, P + R] int32
 * @param start [B] int32
 * @param promptLength P
 * @param temperature divides the logits, as it did when the response was sampled
 * @param mask [B, R] 1 on the response's tokens, where what it leaves out need not be computed
 * @param kept [B R, C] what the last states are multiplied by; not at all unless given
 */
export function responseLogProbs(
  gpt: Gpt,
  ids: tf.Tensor2D,
  start: tf.Tensor1D,
  promptLength: number,
  temperature: number,
  { mask, kept }: { mask?: tf.Tensor2D; kept?: tf.Tensor } = {},
): ResponseLogProbs {
  const { hidden, wte } = statesAndHead(gpt, ids, start, mask);
  const states = responseRows(hidden, promptLength);
  return logProbsOf(gpt, kept ? tf.mul(states, kept) : states, wte, ids, promptLength, temperature, mask);
}

/** The same from the states of a pass that was made already, and these states [B, P + R, C] to go on with. */
export function responseLogProbsFrom(
  gpt: Gpt,
  { hidden, wte }: StatesAndHead,
  ids: tf.Tensor2D,
  promptLength: number,
  temperature: number,
  mask?: tf.Tensor2D,
): ResponseLogProbs & { hidden: tf.Tensor3D } {
  const { states, hidden: passed } = responseRowsBeside(hidden, promptLength);
  return { ...logProbsOf(gpt, states, wte, ids, promptLength, temperature, mask), hidden: passed };
}

function logProbsOf(
  gpt: Gpt,
  states: tf.Tensor2D,
  wte: tf.Tensor2D,
  ids: tf.Tensor2D,
  promptLength: number,
  temperature: number,
  mask: tf.Tensor2D | null = null,
): ResponseLogProbs {
  const [batch, length] = ids.shape;
  const responseLength = length - promptLength;
  const targets = tf.reshape<tf.Rank.R1>(tf.slice(ids, [0, promptLength], [batch, responseLength]), [-1]); // [B R]
  const { drop, dropIds, restore } = realRows(responseLength, null, mask);
  const { logProb, entropy } = headLogProb(drop(states), wte, dropIds(targets), temperature, gpt.maxLogitsBytes);
  const byRow = (values: tf.Tensor1D): tf.Tensor2D =>
    tf.reshape(restore(tf.reshape(values, [-1, 1])), [batch, responseLength]);
  return { logProbs: byRow(logProb), entropy: byRow(entropy) };
}
