/** Compute pipelines, made once a device, kernel and set of constants, with errors that show the line of WGSL. */
import type { Kernel } from './kernel';
import { reportGpuError } from './gpuErrors';

export interface BindingCounts {
  inputs: number;
  /** In-place tensors and outputs. */
  written: number;
  uniform: boolean;
}

export interface CachedPipeline {
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
}

interface DeviceCache {
  modules: Map<string, GPUShaderModule>;
  layouts: Map<string, GPUBindGroupLayout>;
  pipelines: Map<string, CachedPipeline>;
}

/** Dies with its device. */
const caches = new WeakMap<GPUDevice, DeviceCache>();

/** A pipeline that a kernel wants. */
export interface PipelineRequest {
  kernel: Kernel;
  constants: Record<string, number>;
  counts: BindingCounts;
}

/** The pipeline of a kernel. A mistake in the shader reaches the device's error listeners a little later. */
export function pipelineOf(device: GPUDevice, request: PipelineRequest): CachedPipeline {
  const cache = cacheOf(device);
  const key = keyOf(request);
  let cached = cache.pipelines.get(key);
  if (!cached) {
    cached = makePipeline(device, cache, request);
    cache.pipelines.set(key, cached);
  }
  return cached;
}

/** Whether `pipelineOf` has nothing to make for it. */
export function hasPipeline(device: GPUDevice, request: PipelineRequest): boolean {
  return cacheOf(device).pipelines.has(keyOf(request));
}

/**
 * Has the pipeline made while the device goes on with other work; `pipelineOf` finds it once that is done. A mistake in
 * the shader is not reported here: nothing has run it yet, and `pipelineOf` meets it again when something does.
 */
export async function makePipelineAhead(device: GPUDevice, request: PipelineRequest): Promise<void> {
  const cache = cacheOf(device);
  const key = keyOf(request);
  if (cache.pipelines.has(key)) return;
  device.pushErrorScope('validation');
  const layout = layoutOf(device, cache, request.counts);
  const made = device.createComputePipelineAsync(descriptorOf(device, cache, request, layout));
  const [pipeline] = await Promise.all([made, device.popErrorScope()]).catch(() => [null]);
  // Whoever could not wait for it has made one in the meantime.
  if (pipeline && !cache.pipelines.has(key)) cache.pipelines.set(key, { pipeline, layout });
}

function cacheOf(device: GPUDevice): DeviceCache {
  let cache = caches.get(device);
  if (!cache) {
    cache = { modules: new Map(), layouts: new Map(), pipelines: new Map() };
    caches.set(device, cache);
  }
  return cache;
}

/** Requests with the same key are one pipeline. */
export function keyOf({ kernel, constants, counts }: PipelineRequest): string {
  const values = Object.entries(constants).map(([name, value]) => `${name}=${value}`);
  return [kernel.name, kernel.entryPoint ?? 'main', counts.inputs, counts.written, counts.uniform, ...values].join(' ');
}

function makePipeline(device: GPUDevice, cache: DeviceCache, request: PipelineRequest): CachedPipeline {
  const { kernel, counts } = request;
  device.pushErrorScope('validation');
  const layout = layoutOf(device, cache, counts);
  const pipeline = device.createComputePipeline(descriptorOf(device, cache, request, layout));
  device
    .popErrorScope()
    .then(async (error) => {
      if (error) reportGpuError(device, await explain(kernel, moduleOf(device, cache, kernel), error.message));
    })
    // Only a lost device refuses to answer, and `device.lost` says so.
    .catch(() => undefined);
  return { pipeline, layout };
}

function descriptorOf(
  device: GPUDevice,
  cache: DeviceCache,
  { kernel, constants }: PipelineRequest,
  layout: GPUBindGroupLayout,
): GPUComputePipelineDescriptor {
  return {
    label: kernel.name,
    layout: device.createPipelineLayout({ label: kernel.name, bindGroupLayouts: [layout] }),
    compute: { module: moduleOf(device, cache, kernel), entryPoint: kernel.entryPoint ?? 'main', constants },
  };
}

function moduleOf(device: GPUDevice, cache: DeviceCache, { name, source }: Kernel): GPUShaderModule {
  const module = cache.modules.get(name) ?? device.createShaderModule({ label: name, code: source });
  cache.modules.set(name, module);
  return module;
}

function layoutOf(
  device: GPUDevice,
  cache: DeviceCache,
  { inputs, written, uniform }: BindingCounts,
): GPUBindGroupLayout {
  const key = `${inputs} ${written} ${uniform}`;
  const cached = cache.layouts.get(key);
  if (cached) return cached;
  const types: GPUBufferBindingType[] = [
    ...Array<GPUBufferBindingType>(inputs).fill('read-only-storage'),
    ...Array<GPUBufferBindingType>(written).fill('storage'),
    ...(uniform ? (['uniform'] as const) : []),
  ];
  const layout = device.createBindGroupLayout({
    label: key,
    entries: types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } })),
  });
  cache.layouts.set(key, layout);
  return layout;
}

/** The compiler's messages with the lines they speak of, or what the device said where the compiler was content. */
async function explain(kernel: Kernel, module: GPUShaderModule, deviceMessage: string): Promise<string> {
  const { messages } = await module.getCompilationInfo();
  const errors = messages.filter(({ type }) => type === 'error');
  if (errors.length === 0) return `${kernel.name}: ${deviceMessage}`;
  const lines = kernel.source.split('\n');
  return errors
    .map(({ lineNum, linePos, message }) => {
      const line = lines[lineNum - 1] ?? '';
      return `${kernel.name}.wgsl:${lineNum}:${linePos} ${message}\n  ${line}\n  ${' '.repeat(Math.max(linePos - 1, 0))}^`;
    })
    .join('\n');
}
