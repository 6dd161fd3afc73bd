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
  // tfjs asks only for what is not in its cache; what it then asks for is put here and not into the cache itself, where
  // a pipeline that is still being made is an error for whoever wants to use it.
  const missing = Object.create(pipelineCache) as typeof pipelineCache;
  try {
    internals.bufferManager = standInBuffers;
    internals.commandQueueOwnedIds = { add: () => new WeakSet(), has: () => false };
    internals.commandEncoder = standInEncoder;
    internals.pipelineCache = missing;
    backend.uploadToGPU = () => undefined;
    backend.submitQueue = () => undefined;
    backend.read = () => new Promise(() => undefined);
    backend.readSync = () => {
      throw new Error('A rehearsal has no results to be read.');
    };
    tf.env().set('WEBGPU_ENGINE_COMPILE_ONLY', true);
    const requests = body();
    return { requests, programs: programsOf(missing, pipelineCache) };
  } finally {
    tf.env().set('WEBGPU_ENGINE_COMPILE_ONLY', false);
    internals.bufferManager = bufferManager;
    internals.commandQueueOwnedIds = commandQueueOwnedIds;
    internals.commandEncoder = null;
    internals.pipelineCache = pipelineCache;
    Object.assign(backend, { readSync, read, uploadToGPU, submitQueue });
  }
}

type Programs = Record<string, GPUComputePipeline | Promise<GPUComputePipeline>>;

/** tfjs's own programs, which are being made already: few, and small. */
function programsOf(missing: Programs, cache: Programs): MakePipeline[] {
  return Object.entries(missing).map(([key, made]) => {
    const kept = Promise.resolve(made).then(
      (pipeline) => {
        cache[key] ??= pipeline;
      },
      // It will be made again, and its mistake be reported, when it is run.
      () => undefined,
    );
    return () => kept;
  });
}

const standInBuffers: BufferSource = {
  // Its size is all that is asked of a buffer to which nothing is uploaded.
  acquireBuffer: (size, usage) => ({ size, usage }) as GPUBuffer,
  releaseBuffer: () => undefined,
};

// Every other method would be a use that no code of tfjs 4.22.0 or ours makes where no kernel runs.
const standInEncoder = { copyBufferToBuffer: () => undefined } as unknown as GPUCommandEncoder;
