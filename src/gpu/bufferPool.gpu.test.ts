import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BufferPool } from './bufferPool';
import { type Device, startDevice } from './device';

const memory = (): tf.MemoryInfo & { numBytesInGPU: number; numBytesAllocatedInGPU: number } =>
  tf.memory() as ReturnType<typeof memory>;

/** Ops on tensors of `size` numbers, and their end awaited. */
async function work(size: number): Promise<void> {
  for (let i = 0; i < 200; i++) {
    tf.tidy(() => tf.sum(tf.add(tf.mul(tf.ones([size]), 2), 1)));
  }
  const last = tf.fill([1], 1);
  await last.data();
  last.dispose();
}

describe('the buffer pool', () => {
  let device: Device;
  beforeAll(async () => {
    device = await startDevice('webgpu');
  });
  const poolOn = (nothingRecorded: () => boolean): BufferPool =>
    new BufferPool(device.gpu as GPUDevice, nothingRecorded);

  it('makes no new buffers for work that repeats', async () => {
    for (let i = 0; i < 3; i++) await work(1000);
    const before = memory().numBytesAllocatedInGPU;
    for (let i = 0; i < 10; i++) await work(1000);
    // Where a batch of commands begins shifts from round to round, and with it what is free at the time.
    expect(memory().numBytesAllocatedInGPU).toBeLessThan(1.1 * before);
  });

  it('gives back sizes that no longer come, so that ever new ones do not fill the GPU', () => {
    const pool = poolOn(() => true);
    let largest = 0;
    for (let size = 4; size <= 4000; size += 4) {
      for (let i = 0; i < 100; i++) pool.releaseBuffer(pool.acquireBuffer(1000 * size, GPUBufferUsage.STORAGE));
      largest = Math.max(largest, pool.numBytesAllocated);
    }
    // Two sweeps of 8192 acquisitions, 100 a size, are 164 sizes of at most 4 MB.
    expect(largest).toBeLessThan(164 * 4e6);
    expect(pool.numBytesUsed).toBe(0);
    pool.dispose();
    expect(pool.numBytesAllocated).toBe(0);
  });

  it('destroys nothing while a command waits to be submitted', () => {
    const pool = poolOn(() => false);
    pool.releaseBuffer(pool.acquireBuffer(64, GPUBufferUsage.STORAGE));
    for (let i = 0; i < 20_000; i++) pool.releaseBuffer(pool.acquireBuffer(128, GPUBufferUsage.STORAGE));
    expect(pool.numBytesAllocated).toBe(64 + 128);
    expect(pool.getNumFreeBuffers()).toBe(2);
    pool.dispose();
  });
});
