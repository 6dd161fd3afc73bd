import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { DeviceLostError } from '../errors';
import { startDevice } from './device';

describe('startDevice with a GPU', () => {
  it('runs tfjs on a device of our own and names the adapter', async () => {
    const device = await startDevice('webgpu');
    expect(device.report).toMatchObject({ backend: 'webgpu', fallbackReason: '' });
    expect(device.report.adapter).not.toBe('');
    expect(tf.getBackend()).toBe('webgpu');
    expect(Array.from(await tf.add([1, 2], [3, 4]).data())).toEqual([4, 6]);
  });

  it('passes over a GPU that is computed on the CPU, unless asked for it, and says so', async () => {
    const asked = await startDevice('webgpu');
    const chosen = await startDevice('auto');
    if (asked.report.software) {
      expect(chosen.report.backend).toBe('wasm');
      expect(chosen.report.fallbackReason).toContain(asked.report.adapter);
    } else {
      expect(chosen.report.backend).toBe('webgpu');
    }
    expect(Array.from(await tf.add([1, 2], [3, 4]).data())).toEqual([4, 6]);
  });

  it('says that the device was lost, and starts again with a fresh one', async () => {
    const first = await startDevice('webgpu');
    const old = tf.tensor1d([1, 2, 3]);
    const sum = tf.add(old, 1);
    await sum.data();
    const underWay = sum.data();
    first.destroy();
    await expect(underWay).rejects.toThrow();
    const lost = await first.lost;
    expect(lost).toBeInstanceOf(DeviceLostError);
    expect(lost.message).toMatch(/^The GPU went away: .*[^.]\.$/);
    const second = await startDevice('webgpu');
    expect(second.gpu).not.toBe(first.gpu);
    expect(Array.from(await tf.mul([2, 3], [4, 5]).data())).toEqual([8, 15]);
    expect(() => old.dispose()).not.toThrow();
  });

  it('reports a command that the GPU refuses', async () => {
    const device = await startDevice('webgpu');
    const reported = new Promise<Error>((resolve) => device.onError(resolve));
    device.gpu?.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
    await device.gpu?.queue.onSubmittedWorkDone();
    expect((await reported).name).toBe('GpuValidationError');
  });
});
