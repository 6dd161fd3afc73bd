import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { testQuads } from '../gpu/quad';
import { expectAgreement, gaussian } from './backendAgreement';
import { preferVariant } from './kernelVariants';
import { linear } from './linear';
import './linear.webgpu';
import './matrixProduct.webgpu';

const SIZES = [
  [1, 1, 1],
  [1, 64, 64],
  [37, 65, 63],
  [63, 64, 65],
  [64, 128, 64],
  [65, 68, 64],
  [130, 1, 64],
  [300, 192, 64],
] as const;

const tolerance = (k: number): number => 2e-5 * Math.max(1, Math.sqrt(k / 16));

describe.each(['quad', 'plain'] as const)('linear on WebGPU, %s', (variant) => {
  beforeAll(async () => {
    const { gpu } = await startDevice('webgpu');
    await testQuads(gpu!);
    preferVariant(variant);
    return () => preferVariant('auto');
  });

  const inputs = (m: number, n: number, k: number) => ({
    x: gaussian([m, k], 1),
    weight: gaussian([k, n], 2),
    bias: gaussian([n], 3),
    residual: gaussian([m, n], 4),
    dy: gaussian([m, n], 5),
  });
  type Tensors = Record<keyof ReturnType<typeof inputs>, tf.Tensor>;
  const layer = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, residual?: tf.Tensor): tf.Tensor =>
    linear(x as tf.Tensor2D, weight as tf.Tensor2D, bias as tf.Tensor1D, residual as tf.Tensor2D | undefined);

  it.each(SIZES)('agrees with the reference, [%i, K] by [K, %i] with K = %i', async (m, n, k) => {
    await expectAgreement(
      (t) => {
        const { x, weight, bias, residual } = t as Tensors;
        return [layer(x, weight, bias), layer(x, weight, bias, residual)];
      },
      inputs(m, n, k),
      tolerance(k),
    );
  });

  it.each(SIZES)('has the reference gradient, [%i, K] by [K, %i] with K = %i', async (m, n, k) => {
    await expectAgreement(
      (t) => {
        const { x, weight, bias, residual, dy } = t as Tensors;
        return tf.grads((...[a, w, b, r]) => layer(a!, w!, b!, r))([x, weight, bias, residual], dy);
      },
      inputs(m, n, k),
      tolerance(Math.max(m, n)),
    );
  });
});
