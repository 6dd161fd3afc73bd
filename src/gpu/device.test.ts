import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { startDevice } from './device';

describe('startDevice without a GPU', () => {
  it('falls back to WASM, says why, and computes', async () => {
    const device = await startDevice('auto');
    expect(device.report.backend).toBe('wasm');
    expect(device.report.fallbackReason).toMatch(/WebGPU/);
    expect(tf.getBackend()).toBe('wasm');
    expect(Array.from(await tf.matMul([[1, 2]], [[3], [4]]).data())).toEqual([11]);
    expect(device.gpu).toBeNull();
  });

  it('takes plain JavaScript when asked to, with nothing to explain', async () => {
    const device = await startDevice('cpu');
    expect(device.report).toMatchObject({ backend: 'cpu', software: false, fallbackReason: '' });
    expect(tf.getBackend()).toBe('cpu');
  });

  it('has gradients registered', async () => {
    await startDevice('wasm');
    const gradient = tf.grad((x) => tf.sum(tf.mul(x, x)))(tf.tensor1d([1, 2, 3]));
    expect(Array.from(await gradient.data())).toEqual([2, 4, 6]);
  });
});
