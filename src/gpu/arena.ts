/**
 * Many tensors in one buffer: what is done to all parameters of a model at once (the global norm, AdamW) is then one
 * dispatch over one range of memory, whatever the number of tensors.
 *
 * Each tensor of an arena is a view: a tfjs tensor whose memory is a part of the arena's buffer. Kernels of ours and of
 * tfjs bind that part alone (see `binding`), reads copy it alone, and a disposed view lets go of the arena, whose
 * buffer goes back to the pool with its last view.
 *
 * WebGPU forbids a dispatch to bind one buffer both for reading and for writing, even in parts that lie apart. So what
 * is read where other parts are written belongs into different arenas: parameters, gradients and moments have one each.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { bindingOf, flush, internalsOf, type TensorData } from './backendInternals';
import { webGpuBackend } from './kernel';

/** WebGPU's largest `minStorageBufferOffsetAlignment`. */
const ALIGNMENT = 256;
const BYTES = 4;

const STORAGE = (): GPUBufferUsageFlags => GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;

/** Part of an arena that a tensor takes. */
interface Range {
  shape: number[];
  /** Bytes. */
  offset: number;
  size: number;
}

export class Arena {
  /** Numbers in the whole buffer; those between the tensors are 0 and stay so. */
  readonly length: number;
  readonly #backend: WebGPUBackend;
  readonly #buffer: GPUBuffer;
  readonly #ranges = new Map<string, Range>();
  #views = 0;

  /**
   * Zeros, with room for a float32 tensor under each name.
   * @param shapes of the tensors; none may be empty
   */
  constructor(shapes: ReadonlyMap<string, readonly number[]>) {
    this.#backend = webGpuBackend('Arena');
    let offset = 0;
    for (const [name, shape] of shapes) {
      const size = tf.util.sizeFromShape([...shape]) * BYTES;
      this.#ranges.set(name, { shape: [...shape], offset, size });
      offset += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    }
    this.length = offset / BYTES;
    // A new buffer is all zeros; one from the pool would bring what its last user left, and put it between the tensors.
    this.#buffer = internalsOf(this.#backend).bufferManager.acquireBuffer(offset, STORAGE(), false, false);
  }

  /** A tensor on a part of the arena. It is the caller's, and may be had again and again. */
  view(name: string): tf.Tensor {
    return tf.engine().makeTensorFromTensorInfo(this.viewInfo(name));
  }

  /** The same for a kernel to return, which tfjs makes a tensor of. */
  viewInfo(name: string): tf.TensorInfo {
    return this.#infoOn(this.#rangeOf(name));
  }

  /** All of it as one tensor, [length]. */
  whole(): tf.Tensor1D {
    const info = this.#infoOn({ shape: [this.length], offset: 0, size: this.length * BYTES });
    return tf.engine().makeTensorFromTensorInfo(info) as tf.Tensor1D;
  }

  /** Whether `tensor` lies where the view `name` does. */
  holds(tensor: tf.TensorInfo, name: string): boolean {
    const data = internalsOf(this.#backend).tensorMap.get(tensor.dataId) as TensorData | undefined;
    return data?.resource === this.#buffer && data.view?.offset === this.#ranges.get(name)?.offset;
  }

  /** Puts the numbers of `tensor` under `name`, by a copy that takes its place among the recorded commands. */
  copyFrom(name: string, tensor: tf.TensorInfo): void {
    const range = this.#rangeOf(name);
    const stream = internalsOf(this.#backend);
    this.#backend.uploadToGPU(tensor.dataId);
    const source = bindingOf(this.#backend, tensor.dataId);
    this.#backend.ensureCommandEncoderReady();
    this.#backend.endComputePassEncoder();
    stream.commandQueueOwnedIds.add(tensor.dataId);
    const encoder = stream.commandEncoder as GPUCommandEncoder;
    encoder.copyBufferToBuffer(source.buffer, source.offset ?? 0, this.#buffer, range.offset, range.size);
  }

  #rangeOf(name: string): Range {
    const range = this.#ranges.get(name);
    if (!range) throw new Error(`The arena has no tensor ${name}`);
    return range;
  }

  #infoOn({ shape, offset, size }: Range): tf.TensorInfo {
    this.#views += 1;
    const info = this.#backend.makeTensorInfo(shape, 'float32');
    const data = internalsOf(this.#backend).tensorMap.get(info.dataId) as TensorData;
    data.resource = this.#buffer;
    data.view = { offset, size, release: () => this.#release() };
    return info;
  }

  #release(): void {
    this.#views -= 1;
    if (this.#views > 0) return;
    // A recorded command may still use it, and a submit with a destroyed buffer is refused as a whole.
    flush(this.#backend);
    internalsOf(this.#backend).bufferManager.releaseBuffer(this.#buffer, false);
  }
}
