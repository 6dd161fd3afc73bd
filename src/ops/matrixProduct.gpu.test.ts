import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement, gaussian, startBothBackends } from './backendAgreement';
import { columnSum, linear, matrixProduct } from './matrixProduct';
import './matrixProduct.webgpu';

/** Sums of K products of N(0, 1) numbers: 1e-5 at K = 128, growing with its root. */
const tolerance = (k: number): number => 1e-5 * Math.max(1, Math.sqrt(k / 16));

const SIZES = [
  [1, 1, 1],
  [1, 4, 4],
  [3, 63, 65],
  [64, 64, 64],
  [65, 63, 64],
  [63, 68, 60],
  [4, 384, 128],
  [129, 132, 36],
  [200, 1, 128],
  [128, 200, 1],
] as const;

describe('matrixProduct on WebGPU', () => {
  beforeAll(startBothBackends);

  it.each(SIZES)('agrees with the reference, [%i, K] by [K, %i] with K = %i, plain and transposed', async (m, n, k) => {
    const bias = gaussian([n], 3);
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const a = gaussian(transposeA ? [k, m] : [m, k], 1);
        const b = gaussian(transposeB ? [n, k] : [k, n], 2);
        await expectAgreement(
          (t) => [
            matrixProduct(t['a'] as tf.Tensor2D, t['b'] as tf.Tensor2D, { transposeA, transposeB }),
            matrixProduct(t['a'] as tf.Tensor2D, t['b'] as tf.Tensor2D, {
              transposeA,
              transposeB,
              bias: t['bias'] as tf.Tensor1D,
            }),
          ],
          { a, b, bias },
          tolerance(k),
        );
      }
    }
  });

  it.each([
    [37, 65, 63],
    [64, 128, 64],
    [130, 1, 64],
  ])('has the reference gradient, [%i, K] by [K, %i] with K = %i', async (m, n, k) => {
    await expectAgreement(
      (t) => {
        const { x, weight, bias, dy } = t as {
          x: tf.Tensor2D;
          weight: tf.Tensor2D;
          bias: tf.Tensor1D;
          dy: tf.Tensor2D;
        };
        return tf.grads((...[x, weight, bias]) => linear(x as tf.Tensor2D, weight as tf.Tensor2D, bias as tf.Tensor1D))(
          [x, weight, bias],
          dy,
        );
      },
      { x: gaussian([m, k], 1), weight: gaussian([k, n], 2), bias: gaussian([n], 3), dy: gaussian([m, n], 4) },
      tolerance(Math.max(m, n)),
    );
  });

  it('has the reference gradient with a transposed right operand, as for tied logits', async () => {
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
    expect(await tf.setBackend('webgpu')).toBe(true);
    const { values: a } = gaussian([65, 128], 1);
    const { values: b } = gaussian([128, 96], 2);
    const product = (): tf.Tensor => matrixProduct(tf.tensor2d(a, [65, 128]), tf.tensor2d(b, [128, 96]));
    expect(await product().data()).toEqual(await product().data());
  });
});

describe('columnSum on WebGPU', () => {
  beforeAll(startBothBackends);

  it.each([
    [1, 1],
    [7, 33],
    [1000, 65],
    [63, 512],
  ])('agrees with the reference, [%i, %i]', async (m, n) => {
    await expectAgreement((t) => [columnSum(t['x'] as tf.Tensor2D)], { x: gaussian([m, n], 1) }, 3e-5);
  });
});
