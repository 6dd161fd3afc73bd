/**
 * What is asked of the output head in training: log-probs, entropies and cross-entropy of given tokens, from hidden
 * states. Stores the logits whole where they are small, which is fastest, else a block of rows at a time.
 *
 * Shapes: hidden [M, C]; wte [V, C], tied with the embedding; targets [M] int32.
 */
import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from './crossEntropy';
import { matrixProduct } from './matrixProduct';
import { BLOCK_STEP, streamedLogProb } from './streamedLogProb';
import { tokenLogProb } from './tokenLogProb';

/**
 * Most bytes of logits that are stored whole: 128 MiB, the largest tensor that every WebGPU device can bind
 * (`maxStorageBufferBindingSize`). `nano` and `mini` stay below at all settings. Training holds two of them.
 */
export const MAX_LOGITS_BYTES = 128 * 2 ** 20;

/**
 * Blocks that fit the limit: memory drops where the limit is passed instead of standing at it, and blocks keep the rows
 * that make their share of dwte worth reading and writing it (128 and more up to V = 65536).
 */
const BLOCKS_IN_LIMIT = 4;

/**
 * Rows whose logits are stored at once: all of them, or blocks of nearly one size.
 * @param limit bytes
 */
export function rowsAtOnce(rows: number, vocabulary: number, limit = MAX_LOGITS_BYTES): number {
  const rowBytes = 4 * vocabulary;
  if (rows * rowBytes <= limit) return rows;
  const most = Math.max(Math.floor(limit / BLOCKS_IN_LIMIT / rowBytes / BLOCK_STEP), 1) * BLOCK_STEP;
  const blocks = Math.ceil(rows / most);
  return Math.ceil(rows / blocks / BLOCK_STEP) * BLOCK_STEP;
}

/**
 * Log-prob of the targets and entropy of what the head says, [M] each.
 * @param temperature above 0, divides the logits
 * @param limit most bytes of logits that are stored whole
 */
export function headLogProb(
  hidden: tf.Tensor2D,
  wte: tf.Tensor2D,
  targets: tf.Tensor1D,
  temperature: number,
  limit?: number,
): { logProb: tf.Tensor1D; entropy: tf.Tensor1D } {
  const blockRows = rowsAtOnce(hidden.shape[0], wte.shape[0], limit);
  if (blockRows < hidden.shape[0]) return streamedLogProb(hidden, wte, targets, blockRows, temperature);
  return tokenLogProb(matrixProduct(hidden, wte, { transposeB: true }), targets, temperature);
}

/**
 * Weighted cross-entropy of the targets, a scalar: -sum_m weights_m log p(targets_m).
 * @param weights [M], without a gradient
 * @param limit most bytes of logits that are stored whole
 */
export function headCrossEntropy(
  hidden: tf.Tensor2D,
  wte: tf.Tensor2D,
  targets: tf.Tensor1D,
  weights: tf.Tensor1D,
  limit?: number,
): tf.Scalar {
  const blockRows = rowsAtOnce(hidden.shape[0], wte.shape[0], limit);
  if (blockRows < hidden.shape[0]) {
    const { logProb } = streamedLogProb(hidden, wte, targets, blockRows);
    return tf.neg(tf.sum(tf.mul(logProb, weights)));
  }
  return crossEntropy(matrixProduct(hidden, wte, { transposeB: true }), targets, weights);
}
