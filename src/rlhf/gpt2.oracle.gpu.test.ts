import configJson from '#oracle/model.config.json?raw';
import expectedJson from '#oracle/model.expected.json?raw';
import checkpointUrl from '#oracle/model.safetensors?url&inline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import type { Gpt2Config } from '../model/checkpoint';
import { preferVariant } from '../ops/kernelVariants';
import '../ops/webgpuKernels';
import { deviationsFrom, LAWS } from './gpt2.oracle';
import type { Expected, Oracle } from './gpt2File.oracle';

describe.each(['quad', 'plain'] as const)('the model on WebGPU, %s kernels', (variant) => {
  let oracle: Oracle;
  beforeAll(async () => {
    const { report } = await startDevice('webgpu');
    expect(report.backend).toBe('webgpu');
    preferVariant(variant);
    oracle = {
      config: JSON.parse(configJson) as Gpt2Config,
      checkpoint: await (await fetch(checkpointUrl)).arrayBuffer(),
      expected: JSON.parse(expectedJson) as Expected,
    };
  });

  afterAll(() => preferVariant('auto'));

  it.each(Object.keys(LAWS))('%s', async (law) => {
    const deviations = await deviationsFrom(law, oracle);
    expect(deviations.length).toBeGreaterThan(0);
    for (const { what, error, tolerance } of deviations) expect(error, what).toBeLessThanOrEqual(tolerance);
  });
});
