/**
 * Recording: runs code in plain tfjs and our operations once without computing anything, and keeps the dispatches that
 * it would have made, as a tape that is replayed as one pass of one submit, with nothing to be made anew.
 *
 * The backend goes on as always, but writes into an encoder of ours, and takes memory from a pool that the tape owns.
 * Tensors that the code lets go of are used again further down the tape, in the order of which replay keeps to.
 *
 * What a tape cannot hold is refused by name: reading a result on the host, a copy between buffers, an empty submit.
 * What is no error but must be known: every number that the code takes from JavaScript is frozen. What changes from
 * replay to replay has to come in through an input tensor.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { CaptureError } from '../errors';
import { flush, internalsOf } from './backendInternals';
import { TapeMemory } from './tapeMemory';

/** One dispatch, ready to run. */
export interface TapeCommand {
  pipeline: GPUComputePipeline;
  bindGroup: GPUBindGroup;
  workgroups: readonly [number, number, number];
}

export interface Recording<T> {
  commands: TapeCommand[];
  /** Buffers that the commands use; destroyed with the tape. */
  memory: TapeMemory;
  /** What the code returned. */
  result: T;
}

/**
 * Records `body`.
 * @param name of the step, for errors
 * @throws CaptureError when the body does what cannot be replayed; nothing stays behind
 */
export function record<T>(backend: WebGPUBackend, name: string, body: () => T): Recording<T> {
  flush(backend);
  const internals = internalsOf(backend);
  const commands: TapeCommand[] = [];
  const memory = new TapeMemory(internals.bufferManager);
  const outer = {
    bufferManager: internals.bufferManager,
    commandQueueOwnedIds: internals.commandQueueOwnedIds,
    readSync: backend.readSync,
    read: backend.read,
    batch: tf.env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE'),
  };
  const refuse = (what: string): never => {
    throw new CaptureError(name, what, lastKernel());
  };
  try {
    internals.bufferManager = memory;
    // A tensor that is let go of gives its memory back at once: nothing is waiting to be submitted.
    internals.commandQueueOwnedIds = { add: () => new WeakSet(), has: () => false };
    internals.commandEncoder = encoderFor(commands, refuse);
    backend.readSync = () => refuse('a result was read on the host');
    backend.read = () => refuse('a result was read on the host');
    tf.env().set('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE', Infinity);
    const result = body();
    return { commands, memory, result };
  } catch (error) {
    memory.dispose();
    throw error;
  } finally {
    internals.bufferManager = outer.bufferManager;
    internals.commandQueueOwnedIds = outer.commandQueueOwnedIds;
    internals.commandEncoder = null;
    internals.computePassEncoder = null;
    internals.dispatchCountInPass = 0;
    internals.uniformPendingDisposal = []; // the tape's own now
    backend.readSync = outer.readSync;
    backend.read = outer.read;
    tf.env().set('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE', outer.batch);
  }

  function lastKernel(): string {
    return commands.at(-1)?.pipeline.label || 'the start';
  }
}

/** The few methods of an encoder and its pass that the backend and our kernels call. */
function encoderFor(commands: TapeCommand[], refuse: (what: string) => never): GPUCommandEncoder {
  let pipeline: GPUComputePipeline | null = null;
  let bindGroup: GPUBindGroup | null = null;
  const pass = {
    setPipeline: (next: GPUComputePipeline) => (pipeline = next),
    setBindGroup: (_index: number, next: GPUBindGroup) => (bindGroup = next),
    dispatchWorkgroups: (x: number, y = 1, z = 1) =>
      commands.push({
        pipeline: pipeline as GPUComputePipeline,
        bindGroup: bindGroup as GPUBindGroup,
        workgroups: [x, y, z],
      }),
    end: () => undefined,
  };
  const encoder = {
    beginComputePass: () => pass,
    copyBufferToBuffer: () => refuse('memory was copied'),
    finish: () => refuse('the commands were submitted'),
  };
  // Every other method would be a use that no code of tfjs 4.22.0 or ours makes while it records.
  return encoder as unknown as GPUCommandEncoder;
}
