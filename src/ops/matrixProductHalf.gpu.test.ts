/**
 * Products whose operands are staged in float16. SwiftShader has none, so there these tests are skipped; Mesa's lavapipe
 * and most GPUs have it.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { gaussian, type HostArray, integers, results } from './backendAgreement';
import { allowHalfPrecision, forceVariant, halfPrecisionTaken, variantTaken } from './kernelVariants';
import { matrixProduct } from './matrixProduct';
import './matrixProduct.webgpu';
import { PRODUCT_TILES, productShape } from './matrixProductTiles';

const MODES = ['NN', 'NT', 'TN'] as const;
const kernelOf = (mode: string): string => `matrix product ${mode}`;
const missing = !((await navigator.gpu.requestAdapter())?.features.has('shader-f16') ?? false);

const [M, N] = [65, 68];
/** Not a multiple of 4 where none is needed. */
const innerOf = (mode: string): number => (mode === 'TN' ? 131 : 132);

/** Rows of [rows, columns], each times a factor of its own. */
const scaled = ({ shape, values }: HostArray, factorOf: (row: number, column: number) => number): HostArray => ({
  shape,
  dtype: 'float32',
  values: Float32Array.from(values, (value, i) => value * factorOf(Math.floor(i / shape[1]!), i % shape[1]!)),
});
const sizes = ({ shape, values }: HostArray): HostArray => ({
  shape,
  dtype: 'float32',
  values: Float32Array.from(values, Math.abs),
});

type Mode = (typeof MODES)[number];

/** The left operand as it lies; `inner` is its number in the sum. */
function left(mode: Mode, of: (shape: number[]) => HostArray, factorOf: (inner: number) => number): HostArray {
  const k = innerOf(mode);
  return mode === 'TN'
    ? scaled(of([k, M + 3]), (row) => factorOf(row))
    : scaled(of([M, k]), (_, column) => factorOf(column));
}

const right = (mode: Mode, of: (shape: number[]) => HostArray): HostArray =>
  of(mode === 'NT' ? [N, innerOf(mode)] : [innerOf(mode), N]);

async function productOn(backend: 'cpu' | 'webgpu', mode: Mode, a: HostArray, b: HostArray): Promise<Float32Array> {
  const [y] = await results(
    backend,
    (t) => [
      matrixProduct(t['a'] as tf.Tensor2D, t['b'] as tf.Tensor2D, {
        transposeA: mode === 'TN',
        transposeB: mode === 'NT',
      }),
    ],
    { a, b },
  );
  return y!.values as Float32Array;
}

describe.skipIf(missing)('matrixProduct in float16, on a device with shader-f16', () => {
  beforeAll(async () => {
    await startDevice('webgpu');
  });
  afterEach(() => {
    for (const mode of MODES) forceVariant(kernelOf(mode), null);
    allowHalfPrecision(false);
  });

  const tiles = PRODUCT_TILES.filter(({ half }) => half).map(({ name }) => name);
  const force = (variant: string): void => {
    for (const mode of MODES) forceVariant(kernelOf(mode), variant);
  };
  const taken = (mode: Mode): string | undefined =>
    variantTaken(kernelOf(mode), productShape(mode === 'TN' ? M + 3 : M, N, innerOf(mode)));

  it('has variants, which nothing takes before they are allowed, even if forced', async () => {
    expect(tiles).toEqual(['workgroup f16', 'workgroup small f16']);
    force('workgroup f16');
    const operands = [
      left(
        'NN',
        (shape) => gaussian(shape, 1),
        () => 1,
      ),
      right('NN', (s) => gaussian(s, 2)),
    ] as const;
    await productOn('webgpu', 'NN', ...operands);
    expect(taken('NN')).not.toMatch(/f16/);
    expect(halfPrecisionTaken()).toBe(false);
    allowHalfPrecision(true);
    await productOn('webgpu', 'NN', ...operands);
    expect(taken('NN')).toBe('workgroup f16');
    expect(halfPrecisionTaken()).toBe(true);
  });

  describe.each(tiles)('in its variant %s', (variant) => {
    it.each([
      ['numbers of the size of activations', () => 1],
      ['gradients, which float16 alone would lose', () => 1e-9],
      ['numbers that float16 alone has no place for', () => 1e7],
      ['numbers that grow along the sum', (inner: number) => 2 ** (Math.floor(inner / 8) * 2 - 20)],
    ] as const)('is within 2^-10 of the sizes that are added up, with %s', async (_, factorOf) => {
      allowHalfPrecision(true);
      force(variant);
      for (const mode of MODES) {
        const a = left(mode, (shape) => gaussian(shape, 1), factorOf);
        const b = right(mode, (shape) => gaussian(shape, 2));
        const expected = await productOn('cpu', mode, a, b);
        const bound = await productOn('cpu', mode, sizes(a), sizes(b));
        const came = await productOn('webgpu', mode, a, b);
        expect(taken(mode)).toBe(variant);
        const worst = Math.max(...came.map((value, i) => Math.abs(value - expected[i]!) / bound[i]!));
        expect(worst).toBeLessThan(2 ** -10);
        // It was not float32 that ran.
        expect(worst).toBeGreaterThan(1e-5);
      }
    });

    it('is exact where the operands are: scaling rounds nothing', async () => {
      allowHalfPrecision(true);
      force(variant);
      const small = (seed: number) => (shape: number[]) => scaled(integers(shape, 64, seed), () => 1);
      for (const mode of MODES) {
        const a = left(mode, small(1), () => 2 ** -60);
        const b = right(mode, small(2));
        const came = await productOn('webgpu', mode, a, b);
        expect(taken(mode)).toBe(variant);
        expect(came).toEqual(await productOn('cpu', mode, a, b));
        expect(Math.max(...came)).toBeGreaterThan(0);
      }
    });
  });
});
