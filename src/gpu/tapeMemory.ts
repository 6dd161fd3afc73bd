/**
 * Memory of one tape. A buffer that is let go of while recording is used again further down the same tape; all of them
 * stay until the tape is thrown away, so that a replay makes none and no other tensor can write into them.
 */
import type { BufferSource } from './backendInternals';

export class TapeMemory implements BufferSource {
  readonly #pool: BufferSource;
  readonly #buffers = new Set<GPUBuffer>();
  readonly #free = new Map<number, GPUBuffer[]>();
  /** Constants and uniforms: their contents must last. */
  readonly #frozen = new Set<GPUBuffer>();

  /** @param pool of the device, which counts the bytes */
  constructor(pool: BufferSource) {
    this.#pool = pool;
  }

  get bytes(): number {
    let sum = 0;
    for (const buffer of this.#buffers) sum += buffer.size;
    return sum;
  }

  acquireBuffer(size: number, usage: GPUBufferUsageFlags, mappedAtCreation = false): GPUBuffer {
    const written = mappedAtCreation || (usage & GPUBufferUsage.UNIFORM) !== 0;
    const free = written ? undefined : this.#free.get(size)?.pop();
    if (free) return free;
    const buffer = this.#pool.acquireBuffer(size, usage, mappedAtCreation, false);
    this.#buffers.add(buffer);
    if (written) this.#frozen.add(buffer);
    return buffer;
  }

  releaseBuffer(buffer: GPUBuffer): void {
    if (!this.#buffers.has(buffer)) return this.#pool.releaseBuffer(buffer);
    if (this.#frozen.has(buffer)) return;
    const free = this.#free.get(buffer.size) ?? [];
    free.push(buffer);
    this.#free.set(buffer.size, free);
  }

  /** Destroys all of it. No recorded or submitted command may still need it. */
  dispose(): void {
    for (const buffer of this.#buffers) this.#pool.releaseBuffer(buffer, false);
    this.#buffers.clear();
    this.#free.clear();
  }
}
