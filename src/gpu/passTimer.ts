/** How long recorded commands take on the device: by timestamps where it has them, else by the clock. */
import type { TapeCommand } from './recording';

const STAMPS = 2;
const BYTES = STAMPS * BigUint64Array.BYTES_PER_ELEMENT;

export class PassTimer {
  readonly #device: GPUDevice;
  readonly #stamps: { querySet: GPUQuerySet; resolved: GPUBuffer; readable: GPUBuffer } | null;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#stamps = device.features.has('timestamp-query')
      ? {
          querySet: device.createQuerySet({ type: 'timestamp', count: STAMPS }),
          resolved: device.createBuffer({
            size: BYTES,
            usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
          }),
          readable: device.createBuffer({ size: BYTES, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST }),
        }
      : null;
  }

  /**
   * Milliseconds of one pass in which the commands run `repeats` times over. One pass at a time. Browsers round
   * timestamps to 0.1 ms, so a pass should last some milliseconds.
   */
  async time(commands: readonly TapeCommand[], repeats: number): Promise<number> {
    const stamps = this.#stamps;
    const encoder = this.#device.createCommandEncoder({ label: 'pass timer' });
    const pass = encoder.beginComputePass(
      stamps
        ? { timestampWrites: { querySet: stamps.querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } }
        : {},
    );
    for (let i = 0; i < repeats; i++) {
      for (const { pipeline, bindGroup, workgroups } of commands) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bindGroup);
        pass.dispatchWorkgroups(...workgroups);
      }
    }
    pass.end();
    if (stamps) {
      encoder.resolveQuerySet(stamps.querySet, 0, STAMPS, stamps.resolved, 0);
      encoder.copyBufferToBuffer(stamps.resolved, 0, stamps.readable, 0, BYTES);
    }
    const started = performance.now();
    this.#device.queue.submit([encoder.finish()]);
    await (stamps ? stamps.readable.mapAsync(GPUMapMode.READ) : this.#device.queue.onSubmittedWorkDone());
    const waited = performance.now() - started;
    if (!stamps) return waited;
    const [begin, end] = new BigUint64Array(stamps.readable.getMappedRange());
    const milliseconds = Number((end as bigint) - (begin as bigint)) / 1e6;
    stamps.readable.unmap();
    // Some drivers give no or wrong timestamps for short passes.
    return milliseconds > 0 ? milliseconds : waited;
  }

  dispose(): void {
    this.#stamps?.querySet.destroy();
    this.#stamps?.resolved.destroy();
    this.#stamps?.readable.destroy();
  }
}
