/** WGSL log-probabilities and entropy through the output head a block of rows at a time, and their gradient. */
import type * as tf from '@tensorflow/tfjs-core';
import { disposeScratch, emptyTensor } from '../gpu/kernel';
import { withRows } from '../gpu/rows';
import { runProduct } from './matrixProductKernels';
import {
  blocksOf,
  STREAMED_LOG_PROB,
  STREAMED_LOG_PROB_BACKWARD,
  type StreamedLogProbAttributes,
} from './streamedLogProb';
import { recordTokenLogProb, recordTokenLogProbBackward, SLOPE_INPUTS } from './tokenLogProb.webgpu';
import { input, registerWebGpu } from './webgpuOperation';

registerWebGpu<StreamedLogProbAttributes>(STREAMED_LOG_PROB, (inputs, { temperature, blockRows }) => {
  const hidden = input(STREAMED_LOG_PROB, inputs, 'hidden');
  const wte = input(STREAMED_LOG_PROB, inputs, 'wte');
  const targets = input(STREAMED_LOG_PROB, inputs, 'targets', 'int32');
  const [m, v] = [hidden.shape[0] as number, wte.shape[0] as number];
  const outputs = [emptyTensor([m], 'float32'), emptyTensor([m], 'float32'), emptyTensor([m], 'float32')] as const;
  // One block's memory, used again by the next.
  const logits = emptyTensor([Math.min(blockRows, m), v], 'float32');
  withRows((rows) => {
    for (const { first, count } of blocksOf(m, blockRows)) {
      runProduct(
        { a: rows(hidden, first, count), b: wte, transposeB: true },
        { kind: 'into', y: rows(logits, 0, count), add: false },
      );
      const [logProb, entropy, lse] = outputs;
      recordTokenLogProb(rows(logits, 0, count), rows(targets, first, count), temperature, {
        logProb: rows(logProb, first, count),
        entropy: rows(entropy, first, count),
        lse: rows(lse, first, count),
      });
    }
  });
  disposeScratch([logits]);
  return [...outputs];
});

registerWebGpu<StreamedLogProbAttributes>(STREAMED_LOG_PROB_BACKWARD, (inputs, { temperature, blockRows }) => {
  const hidden = input(STREAMED_LOG_PROB_BACKWARD, inputs, 'hidden');
  const wte = input(STREAMED_LOG_PROB_BACKWARD, inputs, 'wte');
  const targets = input(STREAMED_LOG_PROB_BACKWARD, inputs, 'targets', 'int32');
  const slopes = SLOPE_INPUTS.map((name) => input(STREAMED_LOG_PROB_BACKWARD, inputs, name));
  const [m, v] = [hidden.shape[0] as number, wte.shape[0] as number];
  const dHidden = emptyTensor(hidden.shape, 'float32');
  const scratch = [0, 1].map(() => emptyTensor([Math.min(blockRows, m), v], 'float32'));
  const [logits, dLogits] = scratch as [tf.TensorInfo, tf.TensorInfo];
  let dwte: tf.TensorInfo | undefined;
  withRows((rows) => {
    for (const { first, count } of blocksOf(m, blockRows)) {
      runProduct(
        { a: rows(hidden, first, count), b: wte, transposeB: true },
        { kind: 'into', y: rows(logits, 0, count), add: false },
      );
      recordTokenLogProbBackward(
        rows(logits, 0, count),
        rows(targets, first, count),
        slopes.map((slope) => rows(slope, first, count)),
        temperature,
        rows(dLogits, 0, count),
      );
      runProduct({ a: rows(dLogits, 0, count), b: wte }, { kind: 'into', y: rows(dHidden, first, count), add: false });
      const ofHead = { a: rows(dLogits, 0, count), b: rows(hidden, first, count), transposeA: true };
      // The first block finds the gradient its place, in which the others are added up.
      if (dwte) runProduct(ofHead, { kind: 'into', y: dwte, add: true });
      else [dwte] = runProduct(ofHead, { kind: 'store', home: wte });
    }
  });
  disposeScratch(scratch);
  return [dHidden, dwte as tf.TensorInfo];
});
