import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KernelError } from '../errors';
import { webGpuBackend } from '../gpu/kernel';
import { testQuads } from '../gpu/quad';
import { expectAgreement, gaussian, hostArray, type HostArray, results, startBothBackends } from './backendAgreement';
import { causalAttention } from './causalAttention';
import { forceVariant } from './kernelVariants';
import './causalAttention.webgpu';

/** Batch, length, heads, head size, first real position of each row. */
type Case = [number, number, number, number, number[]];

const KERNELS = ['causal attention', 'causal attention backward'];

const CASES: Case[] = [
  [1, 1, 1, 4, [0]],
  [2, 7, 3, 8, [0, 3]],
  [1, 33, 2, 20, [32]],
  [2, 63, 2, 32, [0, 5]],
  [1, 65, 4, 32, [1]],
  [3, 64, 1, 64, [0, 63, 20]],
  [1, 130, 2, 48, [0]],
  [5, 9, 7, 12, [8, 0, 3, 4, 1]],
  [17, 6, 2, 4, Array.from({ length: 17 }, (_, b) => b % 6)],
];

const ANY_CASES: Case[] = [
  [2, 9, 3, 1, [0, 4]],
  [1, 34, 2, 3, [0]],
  [2, 33, 1, 6, [5, 32]],
  [1, 17, 2, 65, [0]],
  [2, 10, 1, 128, [1, 0]],
  [1, 6, 1, 256, [0]],
];

const inputsOf = ([b, t, h, d, start]: Case): Record<string, HostArray> => ({
  qkv: gaussian([b, t, 3 * h * d], 1),
  start: hostArray([b], start, 'int32'),
  dy: gaussian([b, t, h * d], 2),
});

const attention =
  (h: number) =>
  (tensors: Record<string, tf.Tensor>): tf.Tensor[] => {
    const { qkv, start, dy } = tensors as { qkv: tf.Tensor3D; start: tf.Tensor1D; dy: tf.Tensor3D };
    const run = (x: tf.Tensor): tf.Tensor => causalAttention(x as tf.Tensor3D, start, h);
    return [run(qkv), tf.grad(run)(qkv, dy)];
  };

describe('causalAttention on WebGPU', () => {
  beforeAll(async () => {
    await startBothBackends();
    await testQuads(webGpuBackend('test').device);
  });

  it.each([...CASES, ...ANY_CASES])(
    'agrees with the reference and its gradient, B = %i, T = %i, H = %i, D = %i, start = %j',
    async (...shape) => {
      await expectAgreement(attention(shape[2]), inputsOf(shape), 1e-5);
    },
  );

  // Where a device has no quads, their variants give way to plain ones and the tests of them say nothing new.
  describe.each(['quad two', 'quad', 'plain two', 'plain', 'any'])('in the variant %s', (variant) => {
    beforeAll(() => KERNELS.forEach((kernel) => forceVariant(kernel, variant)));
    afterAll(() => KERNELS.forEach((kernel) => forceVariant(kernel, null)));

    it.each(CASES)('is the same, B = %i, T = %i, H = %i, D = %i, start = %j', async (...shape) => {
      await expectAgreement(attention(shape[2]), inputsOf(shape), 1e-5);
    });

    it('has the same bits each time', async () => {
      const shape: Case = [3, 30, 2, 32, [0, 2, 29]];
      expect(await results('webgpu', attention(2), inputsOf(shape))).toEqual(
        await results('webgpu', attention(2), inputsOf(shape)),
      );
    });
  });

  it('a token sees nothing after it and no padding: changing either leaves it as it is, to the bit', async () => {
    const [b, t, h, d] = [1, 40, 2, 32];
    const qkv = gaussian([b, t, 3 * h * d], 1);
    const other = { ...qkv, values: Float32Array.from(qkv.values) };
    const width = 3 * h * d;
    for (const hidden of [0, 1, 2, 30, 39]) other.values.fill(9, hidden * width, (hidden + 1) * width);
    const run = async (x: typeof qkv): Promise<Float32Array> => {
      const of = (tensors: Record<string, tf.Tensor>): tf.Tensor[] => [
        causalAttention(tensors['x'] as tf.Tensor3D, tensors['start'] as tf.Tensor1D, h),
      ];
      return (await results('webgpu', of, { x, start: hostArray([1], [3], 'int32') }))[0]!.values as Float32Array;
    };
    const [before, after] = [await run(qkv), await run(other)];
    expect(before.subarray(0, 30 * h * d)).toEqual(after.subarray(0, 30 * h * d));
    expect(before.subarray(30 * h * d)).not.toEqual(after.subarray(30 * h * d));
    expect(before.subarray(0, 3 * h * d).every((value) => value === 0)).toBe(true);
  });

  it('stays finite for scores far beyond the range of exp', async () => {
    const far = { ...inputsOf([2, 13, 2, 8, [0, 5]]), qkv: gaussian([2, 13, 48], 7, 100) };
    const came = await results('webgpu', attention(2), far);
    for (const { values } of came) expect(values.every((value) => Number.isFinite(value))).toBe(true);
  });

  it('refuses heads that do not fill the width', async () => {
    await tf.setBackend('webgpu');
    expect(() => causalAttention(tf.zeros([1, 2, 3 * 16]), tf.zeros([1], 'int32'), 3)).toThrow(KernelError);
  });
});
