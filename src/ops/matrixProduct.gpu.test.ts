import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { testQuads } from '../gpu/quad';
import { expectAgreement, gaussian } from './backendAgreement';
import { forceVariant, kernelsWithVariants, variantsOf } from './kernelVariants';
import { matrixProduct } from './matrixProduct';
import './matrixProduct.webgpu';

const VARIANTS = ['quad', 'quad short', 'plain', 'plain short'];
const KERNELS = ['matrix product NN', 'matrix product NT', 'matrix product TN'];

/** Sums of K products of N(0, 1) numbers, in order: 2e-5 at K = 16, growing with its root. */
const tolerance = (k: number): number => 2e-5 * Math.max(1, Math.sqrt(k / 16));

const SIZES = [
  [1, 1, 1],
  [1, 4, 4],
  [1, 64, 64],
  [3, 63, 65],
  [64, 64, 64],
  [65, 63, 64],
  [65, 68, 64],
  [63, 68, 60],
  [64, 68, 63],
  [4, 384, 128],
  [132, 132, 36],
  [200, 1, 128],
  [128, 200, 1],
] as const;

describe('matrixProduct on WebGPU', () => {
  beforeAll(async () => {
    const { gpu } = await startDevice('webgpu');
    await testQuads(gpu!);
    expect(kernelsWithVariants()).toEqual(expect.arrayContaining(KERNELS));
    // Where a device has no quads, their variants give way to plain ones and the tests of them say nothing new.
    expect(VARIANTS).toEqual(expect.arrayContaining(variantsOf(KERNELS[0]!, gpu!)));
  });
  afterEach(() => KERNELS.forEach((kernel) => forceVariant(kernel, null)));

  describe.each(VARIANTS)('in its variant %s', (variant) => {
    const force = (): void => KERNELS.forEach((kernel) => forceVariant(kernel, variant));

    it.each(SIZES)(
      'agrees with the reference, [%i, K] by [K, %i] with K = %i, plain and transposed',
      async (m, n, k) => {
        force();
        for (const transposeA of [false, true]) {
          for (const transposeB of [false, true]) {
            const a = gaussian(transposeA ? [k, m] : [m, k], 1);
            const b = gaussian(transposeB ? [n, k] : [k, n], 2);
            await expectAgreement(
              (t) => [matrixProduct(t['a'] as tf.Tensor2D, t['b'] as tf.Tensor2D, { transposeA, transposeB })],
              { a, b },
              tolerance(k),
            );
          }
        }
      },
    );

    it('gives the tied head its gradients', async () => {
      force();
      await expectAgreement(
        (t) => {
          const { h, wte, dy } = t as { h: tf.Tensor2D; wte: tf.Tensor2D; dy: tf.Tensor2D };
          return tf.grads((...[h, wte]) => matrixProduct(h as tf.Tensor2D, wte as tf.Tensor2D, { transposeB: true }))(
            [h, wte],
            dy,
          );
        },
        { h: gaussian([65, 64], 1), wte: gaussian([512, 64], 2), dy: gaussian([65, 512], 3) },
        tolerance(512),
      );
    });

    it('gives the same bits again', async () => {
      force();
      expect(await tf.setBackend('webgpu')).toBe(true);
      const { values: a } = gaussian([65, 128], 1);
      const { values: b } = gaussian([128, 96], 2);
      const product = (): tf.Tensor => matrixProduct(tf.tensor2d(a, [65, 128]), tf.tensor2d(b, [128, 96]));
      expect(await product().data()).toEqual(await product().data());
    });
  });
});
