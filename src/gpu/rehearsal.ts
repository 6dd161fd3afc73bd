/**
 * Rehearsal: runs code in plain tfjs and our operations for nothing but the names of the pipelines that it needs.
 * Nothing is computed, no memory of the device is taken, and no tensor of the outside is moved there or changed.
 *
 * The backend goes on as always, but what it asks of the device is answered by stand-ins. A buffer has a size and no
 * memory, a command is forgotten, and a result that is read never comes: code that waits for one is never gone on with.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { type BufferSource, flush, internalsOf } from './backendInternals';
import { webGpuBackend } from './kernel';
import { hasPipeline, makePipelineAhead } from './pipeline';
import { requestsOf } from './pipelineRequests';

/** Makes a pipeline that a rehearsal found missing, while the device goes on with other work. */
export type MakePipeline = () => Promise<void>;

/**
 * Rehearses `body`, which disposes the variables that it makes; other tensors are disposed here.
 * @returns what makes the pipelines that are not there yet
 */
export function rehearse(body: () => void): MakePipeline[] {
  const backend = webGpuBackend('rehearse');
  const { device } = backend;
  const { requests, programs } = withStandIns(backend, () => requestsOf(() => tf.tidy(body)));
  const ours = requests
    .filter((request) => !hasPipeline(device, request))
    .map(
      (request): MakePipeline =>
        () =>
          makePipelineAhead(device, request),
    );
  return [...ours, ...programs];
}

function withStandIns<T>(backend: WebGPUBackend, body: () => T): { requests: T; programs: MakePipeline[] } {
  flush(backend);
  const internals = internalsOf(backend);
  const { bufferManager, commandQueueOwnedIds, pipelineCache } = internals;
  const { readSync, read, uploadToGPU, submitQueue } = backend;
  // tfjs asks only for what is not in its cache, and is told that it will be made. That goes in here and not into the
  // cache itself, where a pipeline that is not there yet is an error for whoever wants to use it.
  const missing = Object.create(pipelineCache) as typeof pipelineCache;
  const descriptors: GPUComputePipelineDescriptor[] = [];
  try {
    internals.bufferManager = standInBuffers;
    internals.commandQueueOwnedIds = { add: () => new WeakSet(), has: () => false };
    internals.commandEncoder = standInEncoder;
    internals.pipelineCache = missing;
    backend.device.createComputePipelineAsync = (descriptor) => {
      descriptors.push(descriptor);
      return new Promise(() => undefined);
    };
    backend.uploadToGPU = () => undefined;
    backend.submitQueue = () => undefined;
    backend.read = () => new Promise(() => undefined);
    backend.readSync = () => {
      throw new Error('A rehearsal has no results to be read.');
    };
    tf.env().set('WEBGPU_ENGINE_COMPILE_ONLY', true);
    const requests = body();
    return { requests, programs: programsOf(backend, missing, descriptors, pipelineCache) };
  } finally {
    tf.env().set('WEBGPU_ENGINE_COMPILE_ONLY', false);
    internals.bufferManager = bufferManager;
    internals.commandQueueOwnedIds = commandQueueOwnedIds;
    internals.commandEncoder = null;
    internals.pipelineCache = pipelineCache;
    Reflect.deleteProperty(backend.device, 'createComputePipelineAsync'); // and so have the device's own again
    Object.assign(backend, { readSync, read, uploadToGPU, submitQueue });
  }
}

/** tfjs's own programs: those that the rehearsal put under a key of its own, in the order in which it described them. */
function programsOf(
  { device }: WebGPUBackend,
  missing: object,
  descriptors: readonly GPUComputePipelineDescriptor[],
  cache: Record<string, unknown>,
): MakePipeline[] {
  return Object.keys(missing).map((key, i) => async () => {
    const descriptor = descriptors[i] as GPUComputePipelineDescriptor;
    // One that cannot be made will be tried again, and its mistake be reported, when it is run.
    const pipeline = await device.createComputePipelineAsync(descriptor).catch(() => null);
    if (pipeline) cache[key] ??= pipeline;
  });
}

const standInBuffers: BufferSource = {
  // Its size is all that is asked of a buffer to which nothing is uploaded.
  acquireBuffer: (size, usage) => ({ size, usage }) as GPUBuffer,
  releaseBuffer: () => undefined,
};

// Every other method would be a use that no code of tfjs 4.22.0 or ours makes where no kernel runs.
const standInEncoder = { copyBufferToBuffer: () => undefined } as unknown as GPUCommandEncoder;
