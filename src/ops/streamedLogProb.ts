/**
 * Log-probability of a token and entropy of its distribution, from hidden states through the output head, with the
 * logits of one block of rows at a time: those of all rows, [M, V], are never stored.
 *
 *   l = hidden wte' / T,  lse = log sum exp l,  logProb = l[target] - lse,  entropy = lse - sum p l,  p = exp(l - lse)
 *   dlogits as in tokenLogProb,  dHidden = dlogits wte,  dwte = sum over the blocks of dlogits' hidden
 *
 * Chunks of rows: the fused linear cross-entropy of Hsu et al. 2024 (Liger Kernel, arXiv 2410.10989). They make the
 * gradients in the forward pass; slopes of log-probs are known only after the loss, so here the backward pass computes
 * the logits of a block again, as Wijmans et al. 2024 do (Cut Your Losses, arXiv 2411.09009). Theirs are blocks of the
 * vocabulary too, with an online log-sum-exp; a block of ours has its rows whole and needs none.
 *
 * Against the whole head that is a fourth product of M V C beside three, and 2 block V numbers of memory instead of
 * 2 M V. At M = 512, C = 128, V = 16384, 64 rows a block: 25 MiB instead of 81 (of which 16 are wte and its gradient) in
 * 1.3 to 1.5 times the time; the forward pass alone takes the same.
 *
 * Shapes: hidden [M, C]; wte [V, C]; targets [M] int32; logProb, entropy, lse [M]. Blocks are added in their order, so
 * results are the same bits each time.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors';
import { plainProduct } from './matrixProduct';
import { registerGradient, registerReference, runOperation } from './operation';
import { TOKEN_LOG_PROB, TOKEN_LOG_PROB_BACKWARD } from './tokenLogProb';

/** Inputs hidden, wte, targets; outputs logProb, entropy, lse. */
export const STREAMED_LOG_PROB = 'NudgeStreamedLogProb';
/** Inputs hidden, wte, targets, entropy, lse, dLogProb, dEntropy; outputs dHidden [M, C], dwte [V, C]. */
export const STREAMED_LOG_PROB_BACKWARD = 'NudgeStreamedLogProbBackward';

export interface StreamedLogProbAttributes {
  temperature: number;
  /** Rows whose logits are stored at once. */
  blockRows: number;
}

/** Rows of a block are a multiple of this, so that every device can bind a block of any input where it lies. */
export const BLOCK_STEP = 64;

/**
 * @param hidden [M, C]
 * @param wte [V, C]
 * @param targets [M], int32, each in [0, V)
 * @param blockRows a multiple of `BLOCK_STEP`
 * @param temperature above 0
 * @throws ShapeError where hidden and wte differ in C, or a block cannot have so many rows
 */
export function streamedLogProb(
  hidden: tf.Tensor2D,
  wte: tf.Tensor2D,
  targets: tf.Tensor1D,
  blockRows: number,
  temperature = 1,
): { logProb: tf.Tensor1D; entropy: tf.Tensor1D } {
  if (hidden.shape[1] !== wte.shape[1]) {
    throw new ShapeError('streamedLogProb', `${hidden.shape[1]} columns in the head`, `${wte.shape[1]}`);
  }
  if (blockRows < BLOCK_STEP || blockRows % BLOCK_STEP !== 0) {
    throw new ShapeError('streamedLogProb', `a multiple of ${BLOCK_STEP} rows in a block`, `${blockRows}`);
  }
  const attributes: StreamedLogProbAttributes = { temperature, blockRows };
  const [logProb, entropy] = runOperation(STREAMED_LOG_PROB, { hidden, wte, targets }, attributes);
  return { logProb: logProb as tf.Tensor1D, entropy: entropy as tf.Tensor1D };
}

/** First row and number of rows of every block of M rows. */
export function* blocksOf(rows: number, blockRows: number): Generator<{ first: number; count: number }> {
  for (let first = 0; first < rows; first += blockRows) yield { first, count: Math.min(blockRows, rows - first) };
}

const sliceRows = <T extends tf.Tensor>(tensor: T, first: number, count: number): T =>
  tf.slice(tensor, [first, ...tensor.shape.slice(1).map(() => 0)], [count, ...tensor.shape.slice(1)]);

registerReference<StreamedLogProbAttributes>(STREAMED_LOG_PROB, (inputs, { temperature, blockRows }) => {
  const { hidden, wte, targets } = inputs as Record<'hidden' | 'wte' | 'targets', tf.Tensor>;
  const blocks = [...blocksOf(hidden.shape[0] as number, blockRows)].map(({ first, count }) =>
    tf.tidy(() => {
      const logits = plainProduct(sliceRows(hidden, first, count), wte, false, true);
      return runOperation(TOKEN_LOG_PROB, { logits, targets: sliceRows(targets, first, count) }, { temperature });
    }),
  );
  return [0, 1, 2].map((output) => tf.concat(blocks.map((outputs) => outputs[output] as tf.Tensor)));
});

registerReference<StreamedLogProbAttributes>(STREAMED_LOG_PROB_BACKWARD, (inputs, { temperature, blockRows }) => {
  const { hidden, wte, ...rest } = inputs as Record<string, tf.Tensor> & Record<'hidden' | 'wte', tf.Tensor>;
  const dHidden: tf.Tensor[] = [];
  let dwte: tf.Tensor = tf.zerosLike(wte);
  for (const { first, count } of blocksOf(hidden.shape[0] as number, blockRows)) {
    const [ofStates, ofHead] = tf.tidy((): [tf.Tensor, tf.Tensor] => {
      const states = sliceRows(hidden, first, count);
      const logits = plainProduct(states, wte, false, true);
      const ofRows = Object.entries(rest).map(([name, tensor]) => [name, sliceRows(tensor, first, count)]);
      const slopes = { logits, ...(Object.fromEntries(ofRows) as Record<string, tf.Tensor>) };
      const dLogits = runOperation(TOKEN_LOG_PROB_BACKWARD, slopes, { temperature })[0] as tf.Tensor;
      return [plainProduct(dLogits, wte), tf.add(dwte, plainProduct(dLogits, states, true))];
    });
    dwte.dispose();
    dHidden.push(ofStates);
    dwte = ofHead;
  }
  return [tf.concat(dHidden), dwte];
});

registerGradient<StreamedLogProbAttributes>(
  STREAMED_LOG_PROB,
  { inputs: ['hidden', 'wte', 'targets'], outputs: [false, true, true] },
  ([dLogProb, dEntropy], [hidden, wte, targets, entropy, lse], attributes) => {
    const inputs = { hidden, wte, targets, entropy, lse, dLogProb, dEntropy } as Record<string, tf.Tensor>;
    const [dHidden, dwte] = runOperation(STREAMED_LOG_PROB_BACKWARD, inputs, attributes) as [tf.Tensor, tf.Tensor];
    return { hidden: () => dHidden, wte: () => dwte };
  },
);
