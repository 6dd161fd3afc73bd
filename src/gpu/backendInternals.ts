/**
 * The parts of tfjs's WebGPU backend that kernels of our own need and that its types keep private: its command stream
 * and the lists by which it knows what the stream still uses. Read against version 4.22.0, which package.json pins.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type * as tf from '@tensorflow/tfjs-core';
import { BufferPool } from './bufferPool';

/** Where the backend's buffers come from. */
export type BufferSource = Pick<BufferPool, 'acquireBuffer' | 'releaseBuffer'>;

/** What the backend knows of a tensor. */
export interface TensorData {
  dtype: tf.DataType;
  shape: number[];
  /** On the host, until they are uploaded. */
  values: tf.BackendValues | null;
  resource: GPUBuffer | null;
  /** Ours: the tensor is a part of a larger buffer, see `arena.ts`. */
  view?: {
    /** Bytes. */
    offset: number;
    size: number;
    /** Called once, when the tensor is gone. */
    release(): void;
  };
}

export interface BackendInternals {
  /** Takes the commands that were recorded and not yet submitted; null after a submit. */
  commandEncoder: GPUCommandEncoder | null;
  /** The open compute pass in `commandEncoder`, shared by all dispatches until a copy ends it. */
  computePassEncoder: GPUComputePassEncoder | null;
  dispatchCountInPass: number;
  /** Tensors that recorded commands use: disposing of one waits until these are submitted. */
  commandQueueOwnedIds: Pick<WeakSet<tf.DataId>, 'add' | 'has'>;
  /** Uniform buffers that go back to the pool after the submit. */
  uniformPendingDisposal: GPUBuffer[];
  bufferManager: BufferSource;
  /** tfjs's own programs. */
  pipelineCache: Record<string, GPUComputePipeline>;
  tensorMap: { get(dataId: tf.DataId): unknown; has(dataId: tf.DataId): boolean };
  convertAndCacheOnCPU(dataId: tf.DataId, values: unknown): unknown;
  tensorToBinding(tensor?: tf.TensorInfo): GPUBindingResource | null;
  releaseResource(dataId: tf.DataId): void;
  read(dataId: tf.DataId): Promise<tf.BackendValues>;
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

/** The memory of a tensor that is on the GPU. */
export function bindingOf(backend: WebGPUBackend, dataId: tf.DataId): GPUBufferBinding {
  const { resource, view } = internalsOf(backend).tensorMap.get(dataId) as TensorData;
  const buffer = resource as GPUBuffer;
  return view ? { buffer, offset: view.offset, size: view.size } : { buffer };
}

/** Submits what was recorded. */
export function flush(backend: WebGPUBackend): void {
  if (internalsOf(backend).commandEncoder === null) return;
  backend.endComputePassEncoder();
  backend.submitQueue();
}

/** Teaches the backend that a tensor may be a part of a buffer: how to bind, read and release one. */
export function allowViews(backend: WebGPUBackend): void {
  const internals = internalsOf(backend);
  const dataOf = (dataId: tf.DataId): TensorData | undefined =>
    internals.tensorMap.get(dataId) as TensorData | undefined;
  const { tensorToBinding, releaseResource, read } = internals;
  internals.tensorToBinding = (tensor) =>
    tensor && dataOf(tensor.dataId)?.view ? bindingOf(backend, tensor.dataId) : tensorToBinding.call(backend, tensor);
  internals.releaseResource = (dataId) => {
    const data = dataOf(dataId);
    if (!data?.view) return releaseResource.call(backend, dataId);
    data.resource = null;
    data.view.release();
  };
  internals.read = async (dataId) => {
    const data = dataOf(dataId);
    if (!data?.view) return read.call(backend, dataId);
    return new Float32Array(await readRange(backend, data.resource as GPUBuffer, data.view.offset, data.view.size));
  };
}

async function readRange(
  backend: WebGPUBackend,
  buffer: GPUBuffer,
  offset: number,
  size: number,
): Promise<ArrayBuffer> {
  const { bufferManager } = internalsOf(backend);
  const staging = bufferManager.acquireBuffer(size, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  (internalsOf(backend).commandEncoder as GPUCommandEncoder).copyBufferToBuffer(buffer, offset, staging, 0, size);
  backend.submitQueue();
  await staging.mapAsync(GPUMapMode.READ);
  const values = staging.getMappedRange().slice(0);
  staging.unmap();
  bufferManager.releaseBuffer(staging);
  return values;
}
