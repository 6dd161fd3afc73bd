import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { KernelError } from '../errors';
import { expectAgreement, gaussian, hostArray, results, startBothBackends } from './backendAgreement';
import { causalAttention } from './causalAttention';
import './causalAttention.webgpu';

/** Batch, length, heads, head size, first real position of each row. */
const CASES: [number, number, number, number, number[]][] = [
  [1, 1, 1, 4, [0]],
  [2, 7, 3, 8, [0, 3]],
  [1, 33, 2, 20, [32]],
  [2, 63, 2, 32, [0, 5]],
  [1, 65, 4, 32, [1]],
  [3, 64, 1, 64, [0, 63, 20]],
  [1, 130, 2, 48, [0]],
];

describe('causalAttention on WebGPU', () => {
  beforeAll(startBothBackends);

  it.each(CASES)(
    'agrees with the reference and its gradient, B = %i, T = %i, H = %i, D = %i, start = %j',
    async (b, t, h, d, start) => {
      await expectAgreement(
        (tensors) => {
          const { qkv, start: first, dy } = tensors as { qkv: tf.Tensor3D; start: tf.Tensor1D; dy: tf.Tensor3D };
          const attend = (x: tf.Tensor): tf.Tensor => causalAttention(x as tf.Tensor3D, first, h);
          return [attend(qkv), tf.grad(attend)(qkv, dy)];
        },
        { qkv: gaussian([b, t, 3 * h * d], 1), start: hostArray([b], start, 'int32'), dy: gaussian([b, t, h * d], 2) },
        1e-5,
      );
    },
  );

  it('a token sees nothing after it and no padding: changing either leaves it as it is, to the bit', async () => {
    const [b, t, h, d] = [1, 40, 2, 32];
    const qkv = gaussian([b, t, 3 * h * d], 1);
    const other = { ...qkv, values: Float32Array.from(qkv.values) };
    const width = 3 * h * d;
    for (const hidden of [0, 1, 2, 30, 39]) other.values.fill(9, hidden * width, (hidden + 1) * width);
    const attend = async (x: typeof qkv): Promise<Float32Array> => {
      const run = (tensors: Record<string, tf.Tensor>): tf.Tensor[] => [
        causalAttention(tensors['x'] as tf.Tensor3D, tensors['start'] as tf.Tensor1D, h),
      ];
      return (await results('webgpu', run, { x, start: hostArray([1], [3], 'int32') }))[0]!.values as Float32Array;
    };
    const [before, after] = [await attend(qkv), await attend(other)];
    expect(before.subarray(0, 30 * h * d)).toEqual(after.subarray(0, 30 * h * d));
    expect(before.subarray(30 * h * d)).not.toEqual(after.subarray(30 * h * d));
    expect(before.subarray(0, 3 * h * d).every((value) => value === 0)).toBe(true);
  });

  it('refuses a head size that its registers cannot hold', async () => {
    await tf.setBackend('webgpu');
    expect(() => causalAttention(tf.zeros([1, 2, 3 * 68]), tf.zeros([1], 'int32'), 1)).toThrow(KernelError);
    expect(() => causalAttention(tf.zeros([1, 2, 3 * 6]), tf.zeros([1], 'int32'), 1)).toThrow(/heads of 4, 8/);
  });
});
