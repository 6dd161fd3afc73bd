import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  expectAgreement,
  gaussian,
  hostArray,
  largestDifference,
  results,
  startBothBackends,
} from './backendAgreement';
import { cachedAttention } from './cachedAttention';
import './cachedAttention.webgpu';
import { causalAttention } from './causalAttention';
import './causalAttention.webgpu';

/** Batch, capacity, heads, head size, position, first real position of each row. */
const CASES: [number, number, number, number, number, number[]][] = [
  [1, 1, 1, 4, 0, [0]],
  [3, 65, 3, 32, 64, [0, 63, 64]],
  [2, 63, 2, 20, 17, [5, 0]],
  [5, 64, 2, 64, 40, [0, 1, 2, 3, 4]],
  [2, 9, 3, 1, 8, [0, 4]],
  [3, 33, 2, 3, 20, [0, 19, 20]],
  [1, 17, 2, 6, 16, [3]],
  [2, 10, 1, 65, 9, [0, 9]],
  [9, 12, 2, 128, 5, [0, 0, 1, 2, 3, 4, 5, 0, 0]],
];

describe('cachedAttention on WebGPU', () => {
  beforeAll(startBothBackends);

  it.each(CASES)(
    'takes its column from a tensor, B = %i, N = %i, H = %i, D = %i, position = %i, start = %j',
    async (b, n, h, d, position, start) => {
      await expectAgreement(
        (tensors) => {
          const { qkv, cache, start: first } = tensors as { qkv: tf.Tensor2D; cache: tf.Tensor3D; start: tf.Tensor1D };
          return [cachedAttention(qkv, cache, first, h, tensors['position'] as tf.Tensor1D), cache];
        },
        {
          qkv: gaussian([b, 3 * h * d], 1),
          cache: gaussian([b, n, 2 * h * d], 2),
          start: hostArray([b], start, 'int32'),
          position: hostArray([1], [position], 'int32'),
        },
        1e-5,
      );
    },
  );

  it.each(CASES)(
    'agrees with the reference and writes the same cache, B = %i, N = %i, H = %i, D = %i, position = %i, start = %j',
    async (b, n, h, d, position, start) => {
      await expectAgreement(
        (tensors) => {
          const { qkv, cache, start: first } = tensors as { qkv: tf.Tensor2D; cache: tf.Tensor3D; start: tf.Tensor1D };
          return [cachedAttention(qkv, cache, first, h, position), cache];
        },
        {
          qkv: gaussian([b, 3 * h * d], 1),
          cache: gaussian([b, n, 2 * h * d], 2),
          start: hostArray([b], start, 'int32'),
        },
        1e-5,
      );
    },
  );

  it('token by token it gives what causal attention gives for the whole row', async () => {
    const [b, t, h, d] = [2, 35, 2, 32];
    const c = h * d;
    const data = { qkv: gaussian([b, t, 3 * c], 1), start: hostArray([b], [0, 4], 'int32') };
    const [whole] = await results(
      'webgpu',
      (x) => [causalAttention(x['qkv'] as tf.Tensor3D, x['start'] as tf.Tensor1D, h)],
      data,
    );
    const [stepped] = await results(
      'webgpu',
      (x) => {
        const cache = tf.zeros([b, t, 2 * c]) as tf.Tensor3D;
        const outs = Array.from({ length: t }, (_, i) => {
          const token = tf.reshape(tf.slice(x['qkv'] as tf.Tensor3D, [0, i, 0], [b, 1, 3 * c]), [
            b,
            3 * c,
          ]) as tf.Tensor2D;
          return cachedAttention(token, cache, x['start'] as tf.Tensor1D, h, i);
        });
        return [tf.stack(outs, 1)];
      },
      data,
    );
    expect(largestDifference(whole!, stepped!)).toBeLessThan(1e-6);
  });
});
