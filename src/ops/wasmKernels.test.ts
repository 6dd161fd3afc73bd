import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { addressOf, simdKernels, type SimdKernels } from '../gpu/simd';
import { gaussian, type HostArray, hostArray, integers } from './backendAgreement';
import { applyNumbers } from './adamwUpdate';
import { CAUSAL_ATTENTION, CAUSAL_ATTENTION_BACKWARD } from './causalAttention';
import { CROSS_ENTROPY, CROSS_ENTROPY_BACKWARD } from './crossEntropy';
import { gelu, timesGeluSlope } from './gelu';
import { hostFloats } from './hostValues';
import { LAYER_NORM, LAYER_NORM_BACKWARD } from './layerNorm';
import { LINEAR, LINEAR_PARAMETER_GRADIENTS } from './linear';
import { MATRIX_PRODUCT } from './matrixProduct';
import { MLP, MLP_INNER_GRADIENT } from './mlp';
import { expectTwins, outputsOnWasm } from './simdTwins';
import { TOKEN_LOG_PROB, TOKEN_LOG_PROB_BACKWARD } from './tokenLogProb';

const SIZES = [1, 3, 63, 64, 65];

/** Runs a kernel on tensors of these numbers, and gives what is then in each. */
async function onWasm(
  values: Float32Array[],
  run: (kernels: SimdKernels, addresses: number[]) => void,
): Promise<Float32Array[]> {
  await startDevice('wasm');
  return tf.tidy(() => {
    const tensors = values.map((numbers) => tf.tensor1d(numbers));
    run(simdKernels() as SimdKernels, tensors.map(addressOf));
    return tensors.map((tensor) => Float32Array.from(hostFloats(tensor)));
  });
}

const numbers = (count: number, seed: number, deviation = 1): Float32Array =>
  Float32Array.from(gaussian([count], seed, deviation).values);

describe('a kernel of shaders/simd/ gives the numbers of its reference', () => {
  it.each(SIZES)('gelu and its slope, %i numbers', async (count) => {
    const x = numbers(count, 1, 3);
    const [y, , dx] = (await onWasm([x, x, x], (kernels, [to, from, slopes]) => {
      kernels.gelu(to!, from!, count);
      kernels.timesGeluSlope(slopes!, from!, count);
    })) as [Float32Array, Float32Array, Float32Array];
    const [expected, expectedDx] = [new Float32Array(count), Float32Array.from(x)];
    gelu(expected, x);
    timesGeluSlope(expectedDx, x);
    y.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(1e-6 * (1 + Math.abs(x[i]!))));
    dx.forEach((value, i) =>
      expect(Math.abs(value - expectedDx[i]!)).toBeLessThanOrEqual(1e-6 * (1 + Math.abs(x[i]!))),
    );
  });

  it('gelu lets large numbers through, stops very negative ones, and shows what is no number', async () => {
    const x = Float32Array.of(-1e4, -40, 0, 40, 1e4, NaN);
    const [y, , slope] = (await onWasm([x, x, new Float32Array(6).fill(1)], (kernels, [to, from, slopes]) => {
      kernels.gelu(to!, from!, 6);
      kernels.timesGeluSlope(slopes!, from!, 6);
    })) as [Float32Array, Float32Array, Float32Array];
    expect([...y.subarray(0, 5)]).toEqual([0, 0, 0, 40, 1e4].map((value) => expect.closeTo(value, 6) as number));
    expect([...slope.subarray(0, 5)]).toEqual([0, 0, 0.5, 1, 1].map((value) => expect.closeTo(value, 6) as number));
    expect(y[5]).toBeNaN();
    expect(slope[5]).toBeNaN();
  });

  it.each(SIZES)('AdamW, %i numbers', async (count) => {
    const [p, g, m] = [numbers(count, 1), numbers(count, 2), numbers(count, 3)];
    const v = numbers(count, 4).map((value) => value * value);
    const step = { keep: 0.99, rate: 0.01, epsilon: 1e-5 };
    const options = { beta1: 0.9, beta2: 0.999, gradScale: 0.5 };
    const came = await onWasm([new Float32Array(count), p, g, m, v], (kernels, addresses) =>
      kernels.adamwUpdate(
        ...(addresses as [number, number, number, number, number]),
        count,
        step.keep,
        step.rate,
        step.epsilon,
        options.beta1,
        options.beta2,
        options.gradScale,
      ),
    );
    applyNumbers(p, g, m, v, step, options);
    [p, m, v].forEach((expected, i) => {
      const own = came[[0, 3, 4][i]!]!;
      own.forEach((value, j) => expect(Math.abs(value - expected[j]!)).toBeLessThan(1e-6));
    });
  });

  it('sums of squares, of 1 to 5000 numbers', async () => {
    for (const count of [...SIZES, 5000]) {
      const x = numbers(count, count);
      let sum = 0;
      await onWasm([x], (kernels, [at]) => (sum = kernels.sumOfSquares(at!, count)));
      const expected = x.reduce((total, value) => total + value * value, 0);
      expect(Math.abs(sum / expected - 1)).toBeLessThan(1e-6);
    }
  });

  it.each([
    [1, 1],
    [3, 20],
    [65, 63],
    [33, 64],
    [64, 65],
  ])('layer norm, [%i, %i]', async (rows, width) => {
    const norm = { x: gaussian([rows, width], 1, 3), gamma: gaussian([width], 2), beta: gaussian([width], 3) };
    await expectTwins(LAYER_NORM, norm, { epsilon: 1e-5, passX: true });
    const statistics = hostArray(
      [rows, 2],
      Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? 0.1 : 0.4)),
    );
    const backward = { ...norm, statistics, dy: gaussian([rows, width], 4) };
    await expectTwins(LAYER_NORM_BACKWARD, backward, {}, 5e-6);
    await expectTwins(LAYER_NORM_BACKWARD, { ...backward, dPassed: gaussian([rows, width], 5) }, {}, 5e-6);
  });

  it('layer norm of a row far from zero', () =>
    expectTwins(
      LAYER_NORM,
      {
        x: hostArray(
          [1, 256],
          Array.from({ length: 256 }, (_, i) => 1000 + Math.sin(i)),
        ),
        gamma: gaussian([256], 1),
        beta: gaussian([256], 2),
      },
      { epsilon: 1e-5, passX: false },
      1e-5,
    ));

  it.each([
    [1, 1],
    [3, 63],
    [5, 64],
    [2, 65],
    [2, 1000],
  ])('cross-entropy and log-probabilities, [%i, %i]', async (rows, vocabulary) => {
    const logits = gaussian([rows, vocabulary], 1, 4);
    const targets = integers([rows], vocabulary, 2);
    const weights = gaussian([rows], 3);
    await expectTwins(CROSS_ENTROPY, { logits, targets, weights });
    const lse = hostArray([rows], new Array<number>(rows).fill(9));
    await expectTwins(CROSS_ENTROPY_BACKWARD, { logits, targets, weights, lse, dy: hostArray([], [0.7]) });
    await expectTwins(TOKEN_LOG_PROB, { logits, targets }, { temperature: 0.8 }, 1e-5);
    await expectTwins(
      TOKEN_LOG_PROB_BACKWARD,
      { logits, targets, entropy: weights, lse, dLogProb: gaussian([rows], 5), dEntropy: gaussian([rows], 6) },
      { temperature: 0.8 },
      5e-6,
    );
  });

  it.each([
    [1, 1],
    [63, 20],
    [64, 16],
    [130, 85],
  ])('the gradients of a linear layer, [%i, %i]', (rows, width) =>
    expectTwins(
      LINEAR_PARAMETER_GRADIENTS,
      {
        x: gaussian([rows, 24], 1),
        dy: gaussian([rows, width], 2),
        weight: gaussian([24, width], 3),
        bias: gaussian([width], 4),
      },
      {},
      5e-6,
    ),
  );

  const products = [1, 63, 64, 65].flatMap((size) => [
    [size, 65, 31],
    [31, size, 65],
    [65, 31, size],
  ]);
  it.each([...products, [20, 520, 530]])(
    'a product with all transpositions: %i, %i, %i',
    async (rows, inner, columns) => {
      for (const [transposeA, transposeB] of [
        [false, false],
        [true, false],
        [false, true],
        [true, true],
      ] as const) {
        const a = gaussian(transposeA ? [inner, rows] : [rows, inner], 1);
        const b = gaussian(transposeB ? [columns, inner] : [inner, columns], 2);
        await expectTwins(MATRIX_PRODUCT, { a, b }, { transposeA, transposeB }, 5e-6);
      }
    },
  );

  it.each([
    [3, 16],
    [63, 21],
    [64, 16],
  ])('a linear layer and an MLP with what they add, [%i, %i]', async (rows, width) => {
    const [x, residual, dy] = [1, 2, 3].map((seed) => gaussian([rows, width], seed)) as [
      HostArray,
      HostArray,
      HostArray,
    ];
    const weight = gaussian([width, width], 4);
    const bias = gaussian([width], 5);
    await expectTwins(LINEAR, { x, weight, bias }, {}, 5e-6);
    await expectTwins(LINEAR, { x, weight, bias, residual }, {}, 5e-6);
    const hidden = {
      w1: gaussian([width, 4 * width], 6),
      b1: gaussian([4 * width], 7),
      w2: gaussian([4 * width, width], 8),
    };
    await expectTwins(MLP, { x, ...hidden, b2: bias, residual }, { keepInner: true }, 5e-6);
    await expectTwins(MLP_INNER_GRADIENT, { dy, w2: hidden.w2, pre: gaussian([rows, 4 * width], 9) }, {}, 5e-6);
  });

  const starts = (values: number[]): HostArray => hostArray([values.length], values, 'int32');
  it.each([
    { length: 1, heads: 1, size: 4, start: [0] },
    { length: 9, heads: 2, size: 6, start: [0, 8] },
    { length: 63, heads: 2, size: 16, start: [0, 5, 62] },
    { length: 64, heads: 3, size: 20, start: [0, 3] },
    { length: 65, heads: 2, size: 32, start: [0, 1, 2, 31] },
  ])('attention and its gradient: $length tokens, $heads heads of $size', async ({ length, heads, size, start }) => {
    const width = heads * size;
    const inputs = { qkv: gaussian([start.length, length, 3 * width], 1, 2), start: starts(start) };
    await expectTwins(CAUSAL_ATTENTION, inputs, { heads }, 5e-6);
    const forward = await outputsOnWasm(CAUSAL_ATTENTION, inputs, { heads });
    const [out, lse] = forward as [HostArray, HostArray];
    const backward = { ...inputs, out, lse, dy: gaussian([start.length, length, width], 2) };
    await expectTwins(CAUSAL_ATTENTION_BACKWARD, backward, { heads }, 1e-5);
  });
});
