import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { webGpuBackend } from '../gpu/kernel';
import { testQuads } from '../gpu/quad';
import { record } from '../gpu/recording';
import { expectAgreement, gaussian } from './backendAgreement';
import { allowHalfPrecision, forceVariant, kernelsWithVariants, variantsOf, variantTaken } from './kernelVariants';
import { matrixProduct } from './matrixProduct';
import './matrixProduct.webgpu';
import { partsOf, PRODUCT_TILES, productOrder, productShape, type ProductTile } from './matrixProductTiles';

const KERNELS = ['matrix product NN', 'matrix product NT', 'matrix product TN'];
const [NN, NT, TN] = KERNELS as [string, string, string];
/** Those in float16 are held to other tolerances, in matrixProductHalf.gpu.test.ts. */
const TILES = PRODUCT_TILES.filter(({ half }) => !half);

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
  [1, 64, 256],
  [65, 68, 132],
  [36, 64, 1044],
  [64, 100, 1027],
] as const;

/** What the tiles with vec4s take; the rest goes to a kernel that takes any sizes and has no variants. */
const fits = (m: number, n: number, k: number, transposeA: boolean, transposeB: boolean): boolean =>
  n >= 16 && n % 4 === 0 && (transposeA ? m : k) % 4 === 0 && !(transposeA && transposeB);

const onQuads = (await navigator.gpu.requestAdapter())?.features.has('subgroups') ?? false;

describe('matrixProduct on WebGPU', () => {
  beforeAll(async () => {
    const { gpu } = await startDevice('webgpu');
    expect(await testQuads(gpu!)).toBe(onQuads);
    expect(kernelsWithVariants()).toEqual(expect.arrayContaining(KERNELS));
  });
  afterEach(() => KERNELS.forEach((kernel) => forceVariant(kernel, null)));

  const forced = (variant: string): void => KERNELS.forEach((kernel) => forceVariant(kernel, variant));
  type Sides = [rows: number, columns: number];
  /** Names of the pipelines that a product runs. */
  const pipelinesOf = (a: Sides, b: Sides, transposeA: boolean, transposeB: boolean): string[] => {
    const [left, right] = [tf.zeros<tf.Rank.R2>(a), tf.zeros<tf.Rank.R2>(b)];
    const backend = webGpuBackend('test');
    for (const { dataId } of [left, right]) backend.uploadToGPU(dataId);
    const { commands, memory, result } = record(backend, 'test', () =>
      matrixProduct(left, right, { transposeA, transposeB }),
    );
    tf.dispose([left, right, result]);
    memory.dispose();
    return commands.map(({ pipeline }) => pipeline.label);
  };

  describe.each(TILES.map((tile) => [tile.name, tile] as const))('in its variant %s', (variant, tile) => {
    const skipped = tile.quads && !onQuads;

    it.skipIf(skipped).each(SIZES)(
      'agrees with the reference, [%i, K] by [K, %i] with K = %i, plain and transposed',
      async (m, n, k) => {
        forced(variant);
        for (const transposeA of [false, true]) {
          for (const transposeB of [false, true]) {
            const a = gaussian(transposeA ? [k, m] : [m, k], 1);
            const b = gaussian(transposeB ? [n, k] : [k, n], 2);
            await expectAgreement(
              (t) => [matrixProduct(t['a'] as tf.Tensor2D, t['b'] as tf.Tensor2D, { transposeA, transposeB })],
              { a, b },
              tolerance(k),
            );
            if (!fits(m, n, k, transposeA, transposeB)) continue;
            const serves = productOrder(m, n, k).includes(tile);
            const taken = variantTaken(transposeA ? TN : transposeB ? NT : NN, productShape(m, n, k));
            expect(taken === variant).toBe(serves);
          }
        }
      },
    );

    it.skipIf(skipped)('runs its own kernels', () => {
      forced(variant);
      const plain = tile.kind === 'register' ? (tile.quads ? 'matrix_product_quad' : 'matrix_product') : '';
      const expected = (transposeA: boolean): string[] => {
        if (plain) return [`${plain}${transposeA && tile.quads ? '_left_transposed' : ''} store`];
        const { split } = tile as Extract<ProductTile, { kind: 'workgroup' }>;
        return ['matrix_product_workgroup store', ...(split ? ['matrix_product_join store'] : [])];
      };
      expect(pipelinesOf([68, 260], [260, 132], false, false)).toEqual(expected(false));
      expect(pipelinesOf([68, 260], [132, 260], false, true)).toEqual(expected(false));
      expect(pipelinesOf([263, 68], [263, 132], true, false)).toEqual(expected(true));
      expect(KERNELS.map((kernel) => variantTaken(kernel, productShape(68, 132, 260)))).toEqual(Array(3).fill(variant));
    });

    it.skipIf(skipped)('gives the tied head its gradients', async () => {
      forced(variant);
      await expectAgreement(
        (t) => {
          const { h, wte, dy } = t as { h: tf.Tensor2D; wte: tf.Tensor2D; dy: tf.Tensor2D };
          return tf.grads((...[x, w]) => matrixProduct(x as tf.Tensor2D, w as tf.Tensor2D, { transposeB: true }))(
            [h, wte],
            dy,
          );
        },
        { h: gaussian([65, 64], 1), wte: gaussian([512, 64], 2), dy: gaussian([65, 512], 3) },
        tolerance(512),
      );
    });

    it.skipIf(skipped)('gives the same bits again', async () => {
      forced(variant);
      expect(await tf.setBackend('webgpu')).toBe(true);
      const { values: a } = gaussian([65, 260], 1);
      const { values: b } = gaussian([260, 96], 2);
      const product = (): tf.Tensor => matrixProduct(tf.tensor2d(a, [65, 260]), tf.tensor2d(b, [260, 96]));
      expect(await product().data()).toEqual(await product().data());
      expect(variantTaken(NN, productShape(65, 96, 260))).toBe(variant);
    });
  });

  it('offers barriers on hardware alone, and float16 only where it is allowed', () => {
    const gpu = (isFallbackAdapter: boolean, feature = 'none'): GPUDevice => {
      const like = { adapterInfo: { isFallbackAdapter, vendor: 'any' }, features: new Set([feature]) };
      return like as unknown as GPUDevice; // all that is asked of it
    };
    const offered = (on: GPUDevice, m: number): string[] => {
      const shape = productShape(m, 128, 1024);
      pipelinesOf([m, 1024], [1024, 128], false, false);
      return variantsOf(NN, on, shape);
    };
    const barriers = ['workgroup small', 'workgroup'];
    const splits = ['split small', 'split'];
    expect(offered(gpu(true, 'shader-f16'), 256)).toEqual(['plain', 'plain short']);
    expect(offered(gpu(false), 256)).toEqual([...barriers, 'plain', 'plain short', ...splits]);
    expect(offered(gpu(false), 4)).toEqual(['plain short', 'plain', ...barriers, ...splits]);
    expect(offered(gpu(false), 4096)).toEqual(['workgroup', 'workgroup small', 'plain', 'plain short']);
    allowHalfPrecision(true);
    expect(offered(gpu(true, 'shader-f16'), 256)).toEqual(['plain', 'plain short']);
    expect(offered(gpu(false), 256)).toEqual([...barriers, 'plain', 'plain short', ...splits]);
    expect(offered(gpu(false, 'shader-f16'), 256).slice(0, 2)).toEqual(['workgroup small f16', 'workgroup small']);
    allowHalfPrecision(false);
    expect(offered(gpu(false, 'shader-f16'), 256)[0]).toBe('workgroup small');
  });

  it('splits long sums of small results, and no others', () => {
    const parts = (name: string, m: number, n: number, k: number): number =>
      partsOf(PRODUCT_TILES.find((tile) => tile.name === name) as Extract<ProductTile, { kind: 'workgroup' }>, m, n, k);
    expect(parts('split small', 64, 64, 4096)).toBe(16);
    expect(parts('split small', 128, 512, 1024)).toBe(4);
    expect(parts('split', 128, 512, 1024)).toBe(16);
    expect(parts('split', 1024, 512, 128)).toBe(1);
    expect(parts('split', 64, 64, 64)).toBe(1);
    expect(parts('workgroup', 64, 64, 4096)).toBe(1);
  });
});
