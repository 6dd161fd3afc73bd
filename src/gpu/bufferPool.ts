/**
 * GPU memory of tensors: buffers are used again instead of being made anew, as tfjs's own pool does, but those of sizes
 * that no longer come are given back. tfjs keeps every buffer for ever, and since each batch of replies has a length of
 * its own, a long training run would fill the GPU with sizes that are never asked for again.
 */

/** Acquisitions between two sweeps: a few training steps. */
const SWEEP_EVERY = 8192;

interface SizeClass {
  free: GPUBuffer[];
  /** Whether one was asked for since the last sweep. */
  wanted: boolean;
}

/** Takes the place of tfjs's BufferManager, whose public side it has. */
export class BufferPool {
  /** Bytes of the buffers that are in use. */
  numBytesUsed = 0;
  /** Bytes of all buffers that exist. */
  numBytesAllocated = 0;
  readonly #device: GPUDevice;
  readonly #nothingRecorded: () => boolean;
  readonly #classes = new Map<string, SizeClass>();
  readonly #used = new Set<GPUBuffer>();
  #sinceSweep = 0;

  /**
   * @param nothingRecorded whether no command waits to be submitted. Only then may a free buffer be destroyed: a recorded
   *   command may still read one that was released, and a submit with a destroyed buffer is refused as a whole.
   */
  constructor(device: GPUDevice, nothingRecorded: () => boolean) {
    this.#device = device;
    this.#nothingRecorded = nothingRecorded;
  }

  /**
   * A buffer of exactly `size` bytes, with the contents that its last user left.
   * @param reuse false always makes a new one
   */
  acquireBuffer(size: number, usage: GPUBufferUsageFlags, mappedAtCreation = false, reuse = true): GPUBuffer {
    this.#sinceSweep += 1;
    if (this.#sinceSweep >= SWEEP_EVERY && this.#nothingRecorded()) this.#sweep();
    let buffer: GPUBuffer | undefined;
    if (reuse) {
      const sizeClass = this.#classOf(size, usage);
      sizeClass.wanted = true;
      buffer = sizeClass.free.pop();
    }
    if (!buffer) {
      buffer = this.#device.createBuffer({ size, usage, mappedAtCreation });
      this.numBytesAllocated += size;
    }
    this.#used.add(buffer);
    this.numBytesUsed += size;
    return buffer;
  }

  /** @param reuse false destroys it. A buffer that is not in use, as after `dispose`, is left alone. */
  releaseBuffer(buffer: GPUBuffer, reuse = true): void {
    if (!this.#used.delete(buffer)) return;
    this.numBytesUsed -= buffer.size;
    if (reuse) this.#classOf(buffer.size, buffer.usage).free.push(buffer);
    else this.#destroy(buffer);
  }

  getNumUsedBuffers(): number {
    return this.#used.size;
  }

  getNumFreeBuffers(): number {
    let count = 0;
    for (const { free } of this.#classes.values()) count += free.length;
    return count;
  }

  dispose(): void {
    for (const { free } of this.#classes.values()) free.forEach((buffer) => this.#destroy(buffer));
    for (const buffer of this.#used) this.#destroy(buffer);
    this.#classes.clear();
    this.#used.clear();
    this.numBytesUsed = 0;
  }

  /** Destroys the free buffers of sizes that nobody asked for since the last sweep. */
  #sweep(): void {
    this.#sinceSweep = 0;
    for (const [key, sizeClass] of this.#classes) {
      if (!sizeClass.wanted) {
        sizeClass.free.forEach((buffer) => this.#destroy(buffer));
        this.#classes.delete(key);
      }
      sizeClass.wanted = false;
    }
  }

  #destroy(buffer: GPUBuffer): void {
    this.numBytesAllocated -= buffer.size;
    buffer.destroy();
  }

  #classOf(size: number, usage: GPUBufferUsageFlags): SizeClass {
    const key = `${size} ${usage}`;
    let sizeClass = this.#classes.get(key);
    if (!sizeClass) {
      sizeClass = { free: [], wanted: false };
      this.#classes.set(key, sizeClass);
    }
    return sizeClass;
  }
}
