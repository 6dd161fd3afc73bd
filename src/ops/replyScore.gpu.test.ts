import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement, gaussian, hostArray, results, startBothBackends } from './backendAgreement';
import { replyScore, type ReplyScoreInputs } from './replyScore';
import './replyScore.webgpu';

/** B, T, R. */
const SIZES = [
  [1, 2, 1],
  [3, 21, 20],
  [4, 16, 8],
  [5, 13, 7],
  [65, 33, 12],
] as const;

const inputs = (rows: number, length: number, responseLength: number) => ({
  scalars: gaussian([rows, length], 1),
  pooling: gaussian([rows, length], 2, 1 / Math.sqrt(length)),
  logProbs: gaussian([rows, responseLength], 3),
  mask: hostArray(
    [rows, responseLength],
    Array.from({ length: rows * responseLength }, (_, i) => Number(i % responseLength <= i / responseLength)),
  ),
  likelihood: hostArray([1], [0.3]),
});

/** Scores, and the gradients of the mean of their squares. */
function all(t: Record<string, tf.Tensor>): tf.Tensor[] {
  const names = ['scalars', 'logProbs', 'likelihood'] as const;
  const scoreOf = (...by: tf.Tensor[]): tf.Tensor =>
    replyScore({ ...t, ...Object.fromEntries(names.map((name, i) => [name, by[i]])) } as unknown as ReplyScoreInputs);
  const of = names.map((name) => t[name] as tf.Tensor);
  return [scoreOf(...of), ...tf.grads((...by) => tf.mean(tf.square(scoreOf(...by))))(of)];
}

describe('replyScore on WebGPU', () => {
  beforeAll(startBothBackends);

  it.each(SIZES)('agrees with the reference, and so do all gradients: [%i, %i], R = %i', async (...size) => {
    await expectAgreement(all, inputs(...size), 1e-5);
  });

  it('has the same bits each time', async () => {
    expect(await results('webgpu', all, inputs(9, 50, 30))).toEqual(await results('webgpu', all, inputs(9, 50, 30)));
  });
});
