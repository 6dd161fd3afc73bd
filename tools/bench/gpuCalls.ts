/**
 * Counts calls of the WebGPU API by wrapping the prototypes of its classes, so that every library is counted the same
 * way, whatever it calls itself. Works wherever these classes are on `globalThis`: in a page, a worker, and Node.
 */

/** Calls of one step. */
export interface CallCounts {
  dispatches: number;
  passes: number;
  submits: number;
  bindGroupsCreated: number;
  buffersCreated: number;
}

type Method = (...args: unknown[]) => unknown;

/** Opens a compute pass in place of the API; see passTimes.ts. */
export type PassOpener = (
  open: (descriptor: GPUComputePassDescriptor) => GPUComputePassEncoder,
) => GPUComputePassEncoder;

const none = (): CallCounts => ({ dispatches: 0, passes: 0, submits: 0, bindGroupsCreated: 0, buffersCreated: 0 });

export class GpuCalls {
  counts = none();
  /** When the first wait for the device began since `reset`, or null. */
  firstWait: number | null = null;
  /** Every device that was asked for, in order. */
  readonly devices: GPUDevice[] = [];
  passOpener: PassOpener | null = null;
  readonly #subgroups: boolean;
  #error: string | null = null;

  /** @param subgroups false hides the feature `subgroups` from whoever asks for an adapter */
  constructor({ subgroups }: { subgroups: boolean }) {
    this.#subgroups = subgroups;
    this.#install();
  }

  reset(): void {
    this.counts = none();
    this.firstWait = null;
  }

  /**
   * Resolves when all devices have done all that was submitted.
   * @throws when a device has refused something since it was made: what does not run must not be timed
   */
  async settle(): Promise<void> {
    const waiting = this.firstWait;
    await Promise.all(this.devices.map((device) => device.queue.onSubmittedWorkDone()));
    this.firstWait = waiting;
    if (this.#error !== null) throw new Error(`The GPU device refused something: ${this.#error}`);
  }

  #install(): void {
    const count = (key: keyof CallCounts) => () => {
      this.counts[key] += 1;
    };
    const wait = (): void => {
      this.firstWait ??= performance.now();
    };
    before(GPUComputePassEncoder, 'dispatchWorkgroups', count('dispatches'));
    before(GPUComputePassEncoder, 'dispatchWorkgroupsIndirect', count('dispatches'));
    before(GPUQueue, 'submit', count('submits'));
    before(GPUDevice, 'createBindGroup', count('bindGroupsCreated'));
    before(GPUDevice, 'createBuffer', count('buffersCreated'));
    before(GPUBuffer, 'mapAsync', wait);
    before(GPUQueue, 'onSubmittedWorkDone', wait);
    around(GPUCommandEncoder, 'beginComputePass', (call, args) => {
      this.counts.passes += 1;
      return this.passOpener
        ? this.passOpener((descriptor) => call(descriptor) as GPUComputePassEncoder)
        : call(...args);
    });
    around(GPUAdapter, 'requestDevice', async (call, args) => {
      const device = (await call(...args)) as GPUDevice;
      this.devices.push(device);
      device.addEventListener('uncapturederror', ({ error }) => {
        this.#error ??= error.message;
      });
      return device;
    });
    if (!this.#subgroups) hideFeature('subgroups');
  }
}

type WithPrototype = { prototype: object };

/** Runs `note` before each call of a method. */
export function before(owner: WithPrototype, name: string, note: (args: unknown[]) => void): void {
  const original = Reflect.get(owner.prototype, name) as Method;
  Reflect.set(owner.prototype, name, function (this: unknown, ...args: unknown[]) {
    note(args);
    return Reflect.apply(original, this, args);
  });
}

/** Has `replacement` called in place of a method; `call` is the method itself, on the same object. */
export function around(
  owner: WithPrototype,
  name: string,
  replacement: (call: Method, args: unknown[]) => unknown,
): void {
  const original = Reflect.get(owner.prototype, name) as Method;
  Reflect.set(owner.prototype, name, function (this: unknown, ...args: unknown[]) {
    return replacement((...given) => Reflect.apply(original, this, given), args);
  });
}

function hideFeature(hidden: string): void {
  const original = Object.getOwnPropertyDescriptor(GPUAdapter.prototype, 'features');
  Object.defineProperty(GPUAdapter.prototype, 'features', {
    configurable: true,
    get(this: GPUAdapter) {
      const features = original?.get?.call(this) as GPUSupportedFeatures;
      return new Set([...features].filter((feature) => feature !== hidden));
    },
  });
}
