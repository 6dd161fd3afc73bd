import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { webGpuBackend } from '../gpu/kernel';
import { testQuads } from '../gpu/quad';
import { record } from '../gpu/recording';
import { expectAgreement, gaussian, type HostArray } from './backendAgreement';
import { allowHalfPrecision, forceVariant } from './kernelVariants';
import { linear } from './linear';
import './linear.webgpu';
import './matrixProduct.webgpu';
import { runProduct } from './matrixProductKernels';
import { PRODUCT_TILES } from './matrixProductTiles';
import { mlp } from './mlp';
import './mlp.webgpu';

const KERNELS = ['matrix product NN', 'matrix product NT', 'matrix product TN'];
const features = (await navigator.gpu.requestAdapter())?.features;

/** Operands in float16 are rounded to 2^-11 of themselves, and sums of K of their products are off by its root. */
const tolerance = (k: number, half: boolean): number => (half ? 2 ** -9 : 7e-6) * Math.max(4, Math.sqrt(k));

/** An MLP rounds what was rounded already. */
const mlpTolerance = (k: number, half: boolean): number => (half ? 2 : 1) * tolerance(k, half);

type Tensors = Record<string, tf.Tensor>;

const layer = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, residual?: tf.Tensor): tf.Tensor =>
  linear(x as tf.Tensor2D, weight as tf.Tensor2D, bias as tf.Tensor1D, residual as tf.Tensor2D | undefined);
const block = (x: tf.Tensor, w1: tf.Tensor, b1: tf.Tensor, w2: tf.Tensor, b2: tf.Tensor, r: tf.Tensor): tf.Tensor =>
  mlp(x as tf.Tensor2D, w1 as tf.Tensor2D, b1 as tf.Tensor1D, w2 as tf.Tensor2D, b2 as tf.Tensor1D, r as tf.Tensor2D);

const ofLinear = (t: Tensors): tf.Tensor[] => {
  const { x, weight, bias, residual, dy } = t as Record<'x' | 'weight' | 'bias' | 'residual' | 'dy', tf.Tensor>;
  return [
    layer(x, weight, bias),
    layer(x, weight, bias, residual),
    ...tf.grads((...[a, w, b, r]) => layer(a!, w!, b!, r))([x, weight, bias, residual], dy),
  ];
};
const linearInputs = (m: number, n: number, k: number): Record<string, HostArray> => ({
  x: gaussian([m, k], 1),
  weight: gaussian([k, n], 2),
  bias: gaussian([n], 3),
  residual: gaussian([m, n], 4),
  dy: gaussian([m, n], 5),
});

const ofMlp = (t: Tensors): tf.Tensor[] => {
  const { dy, ...of } = t as Record<'x' | 'w1' | 'b1' | 'w2' | 'b2' | 'residual' | 'dy', tf.Tensor>;
  const { x, w1, b1, w2, b2, residual } = of;
  const inputs = [x, w1, b1, w2, b2, residual];
  return [
    block(x, w1, b1, w2, b2, residual),
    ...tf.grads((...[a, b, d, e, g, h]) => block(a!, b!, d!, e!, g!, h!))(inputs, dy),
  ];
};
const mlpInputs = (m: number, c: number, f: number): Record<string, HostArray> => ({
  x: gaussian([m, c], 1),
  w1: gaussian([c, f], 2, 1 / Math.sqrt(c)),
  b1: gaussian([f], 3),
  w2: gaussian([f, c], 4, 1 / Math.sqrt(f)),
  b2: gaussian([c], 5),
  residual: gaussian([m, c], 6),
  dy: gaussian([m, c], 7),
});

/** Names of the pipelines of products that it runs, on WebGPU. */
async function productsOf(run: (t: Tensors) => tf.Tensor[], inputs: Record<string, HostArray>): Promise<string[]> {
  expect(await tf.setBackend('webgpu')).toBe(true);
  const backend = webGpuBackend('test');
  const tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, { values, shape }]) => [name, tf.tensor(values, shape)]),
  );
  for (const { dataId } of Object.values(tensors)) backend.uploadToGPU(dataId);
  const { commands, memory, result } = record(backend, 'test', () => tf.tidy(() => run(tensors)));
  tf.dispose([...result, ...Object.values(tensors)]);
  memory.dispose();
  return commands.map(({ pipeline }) => pipeline.label).filter((label) => label.startsWith('matrix_product'));
}

describe('the ends of a matrix product', () => {
  beforeAll(async () => {
    const { gpu } = await startDevice('webgpu');
    await testQuads(gpu!);
  });

  describe.each(PRODUCT_TILES.map((tile) => [tile.name, tile] as const))('in its variant %s', (variant, tile) => {
    const half = tile.half === true;
    const skipped = (tile.quads && !features?.has('subgroups')) || (half && !features?.has('shader-f16'));
    const stem =
      tile.kind === 'register'
        ? `matrix_product${tile.quads ? '_quad' : ''}`
        : `matrix_product_workgroup${half ? '_f16' : ''}`;
    const left = tile.quads ? `${stem}_left_transposed` : stem;
    const split = tile.kind === 'workgroup' && tile.split;
    /** What runs for an end: where the sums are split, first their parts, and then what joins them. */
    const ended = (name: string, end: string): string[] =>
      split ? [`${name} ${end === 'parameters' ? end : 'store'}`, `matrix_product_join ${end}`] : [`${name} ${end}`];

    beforeAll(() => {
      allowHalfPrecision(half);
      KERNELS.forEach((kernel) => forceVariant(kernel, variant));
    });
    afterAll(() => {
      KERNELS.forEach((kernel) => forceVariant(kernel, null));
      allowHalfPrecision(false);
    });

    it.skipIf(skipped)('serve a linear layer by their own kernels', async () => {
      const inputs = linearInputs(130, 128, 132);
      await expectAgreement(ofLinear, inputs, tolerance(132, half));
      expect(await productsOf(ofLinear, inputs)).toEqual([
        ...ended(stem, 'linear'), // without a residual, with one, and once more for the gradients
        ...ended(stem, 'linear'),
        ...ended(stem, 'linear'),
        ...ended(left, 'parameters'),
        ...ended(stem, 'store'),
      ]);
    });

    it.skipIf(skipped)('serve an MLP by their own kernels', async () => {
      const inputs = mlpInputs(132, 128, 260);
      await expectAgreement(ofMlp, inputs, mlpTolerance(132, half));
      const forward = [...ended(stem, 'gelu'), ...ended(stem, 'linear')];
      expect(await productsOf(ofMlp, inputs)).toEqual([
        ...forward,
        ...forward,
        ...ended(stem, 'geluBackward'),
        ...ended(left, 'parameters'),
        ...ended(left, 'parameters'),
        ...ended(stem, 'store'),
      ]);
    });

    it.skipIf(skipped)('write into what is there, and add to it', async () => {
      expect(await tf.setBackend('webgpu')).toBe(true);
      const [a, b] = [gaussian([36, 260], 1), gaussian([260, 64], 2)].map(({ values, shape }) =>
        tf.tensor<tf.Rank.R2>(values, shape as [number, number]),
      ) as [tf.Tensor2D, tf.Tensor2D];
      const y = tf.ones([36, 64]);
      const [once] = runProduct({ a, b }, { kind: 'store' });
      const product = (await webGpuBackend('test').read(once!.dataId)) as Float32Array;
      runProduct({ a, b }, { kind: 'into', y, add: true });
      expect(
        largestDifference(
          await y.data(),
          Float32Array.from(product, (value) => 1 + value),
        ),
      ).toBeLessThan(1e-5);
      runProduct({ a, b }, { kind: 'into', y, add: false });
      expect(await y.data()).toEqual(product);
      webGpuBackend('test').disposeData(once!.dataId);
      tf.dispose([a, b, y]);
    });

    // Too small to be split; the register tiles are held to such sizes in linear.gpu.test.ts and mlp.gpu.test.ts.
    if (tile.kind === 'register' || split) return;

    it.skipIf(skipped).each([
      [1, 64, 64],
      [63, 68, 64],
      [65, 64, 36],
    ])('serve a linear layer and its gradients, [%i, K] by [K, %i] with K = %i', async (m, n, k) => {
      await expectAgreement(ofLinear, linearInputs(m, n, k), tolerance(Math.max(m, n, k), half));
    });

    it.skipIf(skipped).each([
      [1, 64, 64],
      [63, 64, 68],
      [65, 20, 80],
    ])('serve an MLP and its gradients, x [%i, %i], F = %i', async (m, c, f) => {
      await expectAgreement(ofMlp, mlpInputs(m, c, f), mlpTolerance(m, half));
    });
  });
});

const largestDifference = (a: ArrayLike<number>, b: Float32Array): number =>
  Math.max(...b.map((value, i) => Math.abs(value - a[i]!)));
