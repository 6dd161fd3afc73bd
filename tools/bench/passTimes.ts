/**
 * Times every dispatch by timestamp queries: each gets a compute pass of its own, in place of the one pass that all
 * share. Slower on the whole, so only for a run that nothing else is measured in.
 */
import { median } from './statistics';
import { around, type GpuCalls } from './gpuCalls';
import { kernelFlops, type BoundNumbers } from './flops';

export interface KernelFigures {
  name: string;
  /** Entry point and constants, where there is more than one way to run the kernel. */
  variant: string;
  /** A step. */
  dispatches: number;
  /** A step, all dispatches together. */
  ms: number;
  /** Null where operations are not counted. */
  gflops: number | null;
  /** Of all buffers bound, each once: what must move at least if a kernel touches all of them. */
  bytesPerSecond: number;
}

/** Most dispatches of a step that get a timestamp; WebGPU allows 4096 queries in a set. */
const MOST_DISPATCHES = 2048;

interface Dispatch {
  pipeline: GPUComputePipeline;
  groups: GPUBindGroup[];
}

/** Made before the device, so that it sees every pipeline and bind group. */
export class PassTimes {
  readonly #calls: GpuCalls;
  readonly #variants = new WeakMap<object, string>();
  readonly #layouts = new WeakMap<object, GPUBindGroupLayoutEntry[]>();
  readonly #bound = new WeakMap<object, BoundNumbers>();

  constructor(calls: GpuCalls) {
    this.#calls = calls;
    around(GPUDevice, 'createComputePipeline', (call, args) => {
      const pipeline = call(...args) as GPUComputePipeline;
      this.#variants.set(pipeline, variantOf(args[0] as GPUComputePipelineDescriptor));
      return pipeline;
    });
    around(GPUDevice, 'createComputePipelineAsync', async (call, args) => {
      const pipeline = (await call(...args)) as GPUComputePipeline;
      this.#variants.set(pipeline, variantOf(args[0] as GPUComputePipelineDescriptor));
      return pipeline;
    });
    around(GPUDevice, 'createBindGroupLayout', (call, args) => {
      const layout = call(...args) as GPUBindGroupLayout;
      this.#layouts.set(layout, [...(args[0] as GPUBindGroupLayoutDescriptor).entries]);
      return layout;
    });
    around(GPUDevice, 'createBindGroup', (call, args) => {
      const group = call(...args) as GPUBindGroup;
      const { layout, entries } = args[0] as GPUBindGroupDescriptor;
      this.#bound.set(group, boundNumbers([...entries], this.#layouts.get(layout) ?? []));
      return group;
    });
  }

  /**
   * Runs `step` some times and times its dispatches.
   * @param attention operations of one layer's attention, see `kernelFlops`
   * @returns null where the device has no timestamps
   */
  async profile(step: () => Promise<unknown>, repeats: number, attention: number): Promise<KernelFigures[] | null> {
    const device = this.#calls.devices.at(-1);
    if (!device?.features.has('timestamp-query')) return null;
    const runs = await this.#profiledRuns(device, step, repeats, attention);
    const [first = []] = runs;
    return first
      .map((kernel) => {
        const same = runs.flatMap((run) => run.filter((k) => k.name === kernel.name && k.variant === kernel.variant));
        const middle = median(same.map(({ ms }) => ms));
        const scale = kernel.ms / middle;
        return {
          ...kernel,
          ms: middle,
          gflops: kernel.gflops === null ? null : kernel.gflops * scale,
          bytesPerSecond: kernel.bytesPerSecond * scale,
        };
      })
      .sort((a, b) => b.ms - a.ms);
  }

  /**
   * A step may submit what was encoded during the one before. So the first is not looked at, and after the last comes one
   * that uses up what has timestamps in it.
   */
  async #profiledRuns(
    device: GPUDevice,
    step: () => Promise<unknown>,
    repeats: number,
    attention: number,
  ): Promise<KernelFigures[][]> {
    const querySet = device.createQuerySet({ type: 'timestamp', count: 2 * MOST_DISPATCHES });
    const runs: KernelFigures[][] = [];
    try {
      for (let i = 0; i <= repeats; i++) {
        const dispatches: Dispatch[] = [];
        this.#calls.passOpener = (open) => splitPass(open, querySet, dispatches);
        await step();
        await this.#calls.settle();
        if (i === 0) continue;
        const times = await readTimes(device, querySet, Math.min(dispatches.length, MOST_DISPATCHES));
        runs.push(this.#figures(dispatches, times, attention));
      }
    } finally {
      this.#calls.passOpener = null;
    }
    await step();
    await this.#calls.settle();
    querySet.destroy();
    return runs;
  }

  #figures(dispatches: Dispatch[], milliseconds: number[], attention: number): KernelFigures[] {
    const kernels = new Map<string, { figures: KernelFigures; flops: number | null; bytes: number }>();
    milliseconds.forEach((ms, i) => {
      const { pipeline, groups } = dispatches[i] as Dispatch;
      const name = pipeline.label || 'unnamed';
      const variant = this.#variants.get(pipeline) ?? '';
      const bound = joined(groups.map((group) => this.#bound.get(group) ?? { read: [], written: [] }));
      const flops = kernelFlops(name, bound, attention);
      const key = `${name} ${variant}`;
      const kernel = kernels.get(key) ?? {
        figures: { name, variant, dispatches: 0, ms: 0, gflops: null, bytesPerSecond: 0 },
        flops: 0,
        bytes: 0,
      };
      kernel.figures.dispatches += 1;
      kernel.figures.ms += ms;
      kernel.flops = flops === null || kernel.flops === null ? null : kernel.flops + flops;
      kernel.bytes += 4 * [...bound.read, ...bound.written].reduce((sum, numbers) => sum + numbers, 0);
      kernels.set(key, kernel);
    });
    return [...kernels.values()].map(({ figures, flops, bytes }) => ({
      ...figures,
      gflops: flops === null ? null : flops / figures.ms / 1e6,
      bytesPerSecond: (bytes / figures.ms) * 1000,
    }));
  }
}

type SetBindGroup = [index: number, group: GPUBindGroup | null, ...offsets: unknown[]];

/** Looks like a compute pass to its user, and makes a pass of each dispatch. */
function splitPass(
  open: (descriptor: GPUComputePassDescriptor) => GPUComputePassEncoder,
  querySet: GPUQuerySet,
  dispatches: Dispatch[],
): GPUComputePassEncoder {
  let pipeline: GPUComputePipeline | null = null;
  const groups: SetBindGroup[] = [];
  const timed = (dispatch: (pass: GPUComputePassEncoder) => void): void => {
    const index = dispatches.length;
    const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * index, endOfPassWriteIndex: 2 * index + 1 };
    const pass = open(index < MOST_DISPATCHES ? { timestampWrites } : {});
    pass.setPipeline(pipeline as GPUComputePipeline);
    for (const group of groups) Reflect.apply(pass.setBindGroup, pass, group);
    dispatch(pass);
    pass.end();
    dispatches.push({
      pipeline: pipeline as GPUComputePipeline,
      groups: groups.flatMap(([, group]) => (group ? [group] : [])),
    });
  };
  const split = {
    setPipeline(next: GPUComputePipeline): void {
      pipeline = next;
    },
    setBindGroup(...args: SetBindGroup): void {
      groups[args[0]] = args;
    },
    dispatchWorkgroups: (x: number, y?: number, z?: number): void => timed((pass) => pass.dispatchWorkgroups(x, y, z)),
    dispatchWorkgroupsIndirect: (buffer: GPUBuffer, offset: number): void =>
      timed((pass) => pass.dispatchWorkgroupsIndirect(buffer, offset)),
    pushDebugGroup: () => undefined,
    popDebugGroup: () => undefined,
    insertDebugMarker: () => undefined,
    end: () => undefined,
  };
  return split as unknown as GPUComputePassEncoder;
}

/** Milliseconds of each dispatch. */
async function readTimes(device: GPUDevice, querySet: GPUQuerySet, count: number): Promise<number[]> {
  if (count === 0) return [];
  const size = 16 * count;
  const resolved = device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
  const readable = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.resolveQuerySet(querySet, 0, 2 * count, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, readable, 0, size);
  device.queue.submit([encoder.finish()]);
  await readable.mapAsync(GPUMapMode.READ);
  const nanoseconds = new BigUint64Array(readable.getMappedRange());
  const times = Array.from({ length: count }, (_, i) =>
    Math.max(0, Number((nanoseconds[2 * i + 1] as bigint) - (nanoseconds[2 * i] as bigint)) / 1e6),
  );
  resolved.destroy();
  readable.destroy();
  return times;
}

function variantOf({ compute }: GPUComputePipelineDescriptor): string {
  const constants = Object.entries(compute.constants ?? {}).map(([name, value]) => `${name}=${value}`);
  const entryPoint = compute.entryPoint && !/^(_?main|_start)$/.test(compute.entryPoint) ? [compute.entryPoint] : [];
  return [...entryPoint, ...constants].join(' ');
}

function boundNumbers(entries: GPUBindGroupEntry[], layout: GPUBindGroupLayoutEntry[]): BoundNumbers {
  const types = new Map(layout.map(({ binding, buffer }) => [binding, buffer?.type ?? 'uniform']));
  const read: number[] = [];
  const written: number[] = [];
  const seen: { buffer: GPUBuffer; offset: number }[] = [];
  for (const { binding, resource } of entries) {
    const range = boundRange(resource);
    const type = types.get(binding);
    if (!range || type === 'uniform') continue;
    // What is bound a second time stands in for a binding that is not used.
    if (seen.some(({ buffer, offset }) => buffer === range.buffer && offset === range.offset)) continue;
    seen.push(range);
    (type === 'storage' ? written : read).push(range.bytes / 4);
  }
  return { read, written };
}

function boundRange(resource: GPUBindingResource): { buffer: GPUBuffer; offset: number; bytes: number } | null {
  if (resource instanceof GPUBuffer) return { buffer: resource, offset: 0, bytes: resource.size };
  if (!('buffer' in resource)) return null;
  const { buffer, offset = 0 } = resource;
  return { buffer, offset, bytes: resource.size ?? buffer.size - offset };
}

const joined = (groups: BoundNumbers[]): BoundNumbers => ({
  read: groups.flatMap(({ read }) => [...read]),
  written: groups.flatMap(({ written }) => [...written]),
});
