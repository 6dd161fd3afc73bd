import { describe, expect, it } from 'vitest';
import { startDevice } from './device';
import { quadsWork, testQuads } from './quad';

describe('quads', () => {
  it('work where the device groups four consecutive invocations, and it remembers', async () => {
    const { gpu } = await startDevice('webgpu');
    const works = await testQuads(gpu!);
    expect(quadsWork(gpu!)).toBe(works);
    expect(await testQuads(gpu!)).toBe(works);
    // The software GPU that these tests run on by default has quads in this order.
    if ((await navigator.gpu.requestAdapter())?.info.architecture === 'swiftshader') expect(works).toBe(true);
  });

  it('do not work on a device without the feature, or on one that was not asked', async () => {
    const adapter = await navigator.gpu.requestAdapter();
    const device = await adapter!.requestDevice();
    expect(quadsWork(device)).toBe(false);
    expect(await testQuads(device)).toBe(false);
    expect(quadsWork(device)).toBe(false);
    device.destroy();
  });

  it('do not work on a device that is lost before the answer', async () => {
    const adapter = await navigator.gpu.requestAdapter();
    const device = await adapter!.requestDevice({
      requiredFeatures: adapter!.features.has('subgroups') ? ['subgroups'] : [],
    });
    device.destroy();
    expect(await testQuads(device)).toBe(false);
  });
});
