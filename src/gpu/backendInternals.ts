/**
 * The parts of tfjs's WebGPU backend that kernels of our own need and that its types keep private: its command stream
 * and the lists by which it knows what the stream still uses. Read against version 4.22.0, which package.json pins.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { DataId } from '@tensorflow/tfjs-core';
import { BufferPool } from './bufferPool';

export interface BackendInternals {
  /** Takes the commands that were recorded and not yet submitted; null after a submit. */
  commandEncoder: GPUCommandEncoder | null;
  /** The open compute pass in `commandEncoder`, shared by all dispatches until a copy ends it. */
  computePassEncoder: GPUComputePassEncoder | null;
  dispatchCountInPass: number;
  /** Tensors that recorded commands use: disposing of one waits until these are submitted. */
  commandQueueOwnedIds: WeakSet<DataId>;
  /** Uniform buffers that go back to the pool after the submit. */
  uniformPendingDisposal: GPUBuffer[];
  bufferManager: BufferPool;
  convertAndCacheOnCPU(dataId: DataId, values: unknown): unknown;
}

/** The private side of a backend. The cast is the one place where our code steps over tfjs's types. */
export function internalsOf(backend: WebGPUBackend): BackendInternals {
  return backend as unknown as BackendInternals;
}

/**
 * Makes every read come from the GPU. tfjs keeps the values of a tensor that was read, and would go on giving them
 * after a kernel wrote that tensor in place; dropping the copy at the write is not enough, since a read that began
 * before the write stores its values after it.
 */
export function neverCacheOnCpu(backend: WebGPUBackend): void {
  internalsOf(backend).convertAndCacheOnCPU = (_dataId, values) => values;
}

/** Gives the backend a pool that does not grow without end. Before its first tensor. */
export function boundMemory(backend: WebGPUBackend): void {
  const internals = internalsOf(backend);
  internals.bufferManager = new BufferPool(backend.device, () => internals.commandEncoder === null);
}
