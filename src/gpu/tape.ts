/**
 * A recorded step, ready to be replayed: fixed buffers for its inputs, commands, and where its outputs lie.
 *
 * A replay writes the inputs and submits one command buffer of one pass. No bind group and no tensor is made; what it
 * gives is copied to a buffer of its own, so that many replays can be under way before the first is read. A command
 * buffer can be submitted only once, so while the host waits for a result the next one is encoded.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { bindingOf, flush, internalsOf } from './backendInternals';
import { record, type TapeCommand } from './recording';
import type { TapeMemory } from './tapeMemory';

/** Numbers on their way to the device. */
export interface HostTensor {
  values: Float32Array | Int32Array;
  shape: number[];
}

/** One replay, to be submitted once. */
interface Encoded {
  commands: GPUCommandBuffer;
  staging: GPUBuffer;
}

export class Tape {
  readonly #backend: WebGPUBackend;
  readonly #commands: TapeCommand[];
  readonly #memory: TapeMemory;
  readonly #inputs: Map<string, { tensor: tf.Tensor; buffer: GPUBuffer }>;
  readonly #outputs: tf.Tensor[];
  readonly #watched: readonly tf.Variable[];
  /** Where the watched variables lay when the tape was recorded. */
  readonly #places: GPUBufferBinding[];
  /** Their tensors when they were last seen to lie there: most often they are the same still. */
  readonly #seen: tf.DataId[];
  /** The next replay, encoded while the host waited for the one before. */
  #ready: Encoded | null = null;
  #disposed = false;

  /**
   * @param inputs the first ones: shapes and dtypes are fixed from now on
   * @param body gives its outputs from its inputs, in tfjs and our operations
   * @param watched variables that the body uses and that may be given other memory later
   * @throws CaptureError
   */
  constructor(
    backend: WebGPUBackend,
    name: string,
    inputs: Readonly<Record<string, HostTensor>>,
    body: (inputs: Record<string, tf.Tensor>) => tf.Tensor[],
    watched: readonly tf.Variable[],
  ) {
    this.#backend = backend;
    this.#watched = watched;
    for (const { dataId } of watched) backend.uploadToGPU(dataId);
    this.#places = watched.map(({ dataId }) => bindingOf(backend, dataId));
    this.#seen = watched.map(({ dataId }) => dataId);
    const { commands, memory, result } = record(backend, name, () => {
      const tensors = new Map<string, { tensor: tf.Tensor; buffer: GPUBuffer }>();
      const outputs: tf.Tensor[] = [];
      // Kept at the end: a body that is refused then leaves none of them.
      tf.tidy(() => {
        for (const [input, { values, shape }] of Object.entries(inputs)) {
          const tensor = tf.tensor(values, shape, values instanceof Int32Array ? 'int32' : 'float32');
          backend.uploadToGPU(tensor.dataId); // into memory that the tape never uses for anything else
          tensors.set(input, { tensor, buffer: bindingOf(backend, tensor.dataId).buffer });
        }
        outputs.push(...body(Object.fromEntries([...tensors].map(([input, { tensor }]) => [input, tensor]))));
        for (const tensor of outputs) tf.keep(tensor);
        for (const { tensor } of tensors.values()) tf.keep(tensor);
      });
      return { tensors, outputs };
    });
    this.#commands = commands;
    this.#memory = memory;
    this.#inputs = result.tensors;
    this.#outputs = result.outputs;
  }

  get dispatches(): number {
    return this.#commands.length;
  }

  /** Bytes of scratch, inputs and outputs. */
  get bytes(): number {
    return this.#memory.bytes;
  }

  /** Whether the variables still lie where the commands look for them. */
  get valid(): boolean {
    return this.#watched.every(({ dataId }, i) => {
      if (dataId === this.#seen[i]) return true;
      const [now, then] = [bindingOf(this.#backend, dataId), this.#places[i] as GPUBufferBinding];
      if (now.buffer !== then.buffer || now.offset !== then.offset) return false;
      this.#seen[i] = dataId;
      return true;
    });
  }

  /**
   * Submits the step.
   * @returns reads the outputs, one array each; call it once, whenever it suits
   */
  replay(inputs: Readonly<Record<string, HostTensor>>): () => Promise<(Float32Array | Int32Array)[]> {
    const { device } = this.#backend;
    flush(this.#backend); // what was recorded before comes before
    for (const [name, { buffer }] of this.#inputs) {
      const { values } = inputs[name] as HostTensor;
      device.queue.writeBuffer(buffer, 0, values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
    }
    const { commands, staging } = this.#ready ?? this.#encode();
    this.#ready = null;
    device.queue.submit([commands]);
    return async () => {
      const mapped = staging.mapAsync(GPUMapMode.READ);
      if (!this.#disposed) this.#ready ??= this.#encode();
      await mapped;
      const bytes = staging.getMappedRange().slice(0);
      staging.unmap();
      internalsOf(this.#backend).bufferManager.releaseBuffer(staging);
      let from = 0;
      return this.#outputs.map(({ size, dtype }) => {
        const values = dtype === 'float32' ? new Float32Array(bytes, from, size) : new Int32Array(bytes, from, size);
        from += 4 * size;
        return values;
      });
    };
  }

  /** The commands of one replay, and where they leave its results. */
  #encode(): Encoded {
    const encoder = this.#backend.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    let current: GPUComputePipeline | null = null;
    for (const { pipeline, bindGroup, workgroups } of this.#commands) {
      if (pipeline !== current) pass.setPipeline(pipeline);
      current = pipeline;
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
    }
    pass.end();
    const total = this.#outputs.reduce((sum, { size }) => sum + 4 * size, 0);
    const { bufferManager } = internalsOf(this.#backend);
    const staging = bufferManager.acquireBuffer(total, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
    let at = 0;
    for (const output of this.#outputs) {
      const { buffer, offset = 0 } = bindingOf(this.#backend, output.dataId);
      encoder.copyBufferToBuffer(buffer, offset, staging, at, 4 * output.size);
      at += 4 * output.size;
    }
    return { commands: encoder.finish(), staging };
  }

  dispose(): void {
    this.#disposed = true;
    if (this.#ready) internalsOf(this.#backend).bufferManager.releaseBuffer(this.#ready.staging);
    this.#ready = null;
    tf.dispose([...this.#outputs, ...[...this.#inputs.values()].map(({ tensor }) => tensor)]);
    this.#memory.dispose();
  }
}
