import configJson from '#oracle/model.config.json?raw';
import expectedJson from '#oracle/model.expected.json?raw';
import checkpointUrl from '#oracle/model.safetensors?url&inline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import type { Gpt2Config } from '../model/checkpoint';
import { allowHalfPrecision, forceVariant, halfPrecisionTaken, preferVariant } from '../ops/kernelVariants';
import '../ops/webgpuKernels';
import { deviationsFrom, LAWS } from './gpt2.oracle';
import type { Expected, Oracle } from './gpt2File.oracle';

async function startWithOracle(): Promise<Oracle> {
  const { report } = await startDevice('webgpu');
  expect(report.backend).toBe('webgpu');
  return {
    config: JSON.parse(configJson) as Gpt2Config,
    checkpoint: await (await fetch(checkpointUrl)).arrayBuffer(),
    expected: JSON.parse(expectedJson) as Expected,
  };
}

describe.each(['quad', 'plain'] as const)('the model on WebGPU, %s kernels', (variant) => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startWithOracle();
    preferVariant(variant);
  });

  afterAll(() => preferVariant('auto'));

  it.each(Object.keys(LAWS))('%s', async (law) => {
    const deviations = await deviationsFrom(law, oracle);
    expect(deviations.length).toBeGreaterThan(0);
    for (const { what, error, tolerance } of deviations) expect(error, what).toBeLessThanOrEqual(tolerance);
  });
});

/**
 * Most that rounding every operand of every product to 11 bits may change an answer, relative as in float32. On Mesa's
 * lavapipe: 3.2e-3 for PPO's policy loss, where advantages cancel, 2.2e-3 for a gradient, 2e-5 for a loss.
 */
const HALF_TOLERANCE = 5e-3;
const PRODUCTS = ['matrix product NN', 'matrix product NT', 'matrix product TN'];
const noHalf = !((await navigator.gpu.requestAdapter())?.features.has('shader-f16') ?? false);

describe.skipIf(noHalf)('the model on WebGPU, matrix products in float16', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startWithOracle();
    allowHalfPrecision(true);
    for (const kernel of PRODUCTS) forceVariant(kernel, 'workgroup small f16');
  });

  afterAll(() => {
    allowHalfPrecision(false);
    for (const kernel of PRODUCTS) forceVariant(kernel, null);
  });

  it.each(Object.keys(LAWS))('%s', async (law) => {
    const deviations = await deviationsFrom(law, oracle);
    expect(deviations.length).toBeGreaterThan(0);
    for (const { what, error, tolerance } of deviations) {
      expect(error, what).toBeLessThanOrEqual(tolerance === 0 ? 0 : Math.max(tolerance, HALF_TOLERANCE));
    }
  });

  it('was computed in float16', () => expect(halfPrecisionTaken()).toBe(true));
});
