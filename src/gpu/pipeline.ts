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

/** The pipeline of a kernel. A mistake in the shader reaches the device's error listeners a little later. */
export function pipelineOf(
  device: GPUDevice,
  kernel: Kernel,
  constants: Record<string, number>,
  counts: BindingCounts,
): CachedPipeline {
  let cache = caches.get(device);
  if (!cache) {
    cache = { modules: new Map(), layouts: new Map(), pipelines: new Map() };
    caches.set(device, cache);
  }
  const entryPoint = kernel.entryPoint ?? 'main';
  const values = Object.entries(constants).map(([name, value]) => `${name}=${value}`);
  const key = [kernel.name, entryPoint, counts.inputs, counts.written, counts.uniform, ...values].join(' ');
  let cached = cache.pipelines.get(key);
  if (!cached) {
    cached = makePipeline(device, cache, kernel, entryPoint, constants, counts);
    cache.pipelines.set(key, cached);
  }
  return cached;
}

function makePipeline(
  device: GPUDevice,
  cache: DeviceCache,
  kernel: Kernel,
  entryPoint: string,
  constants: Record<string, number>,
  counts: BindingCounts,
): CachedPipeline {
  device.pushErrorScope('validation');
  const module =
    cache.modules.get(kernel.name) ?? device.createShaderModule({ label: kernel.name, code: kernel.source });
  cache.modules.set(kernel.name, module);
  const layout = layoutOf(device, cache, counts);
  const pipeline = device.createComputePipeline({
    label: kernel.name,
    layout: device.createPipelineLayout({ label: kernel.name, bindGroupLayouts: [layout] }),
    compute: { module, entryPoint, constants },
  });
  device
    .popErrorScope()
    .then(async (error) => {
      if (error) reportGpuError(device, await explain(kernel, module, error.message));
    })
    // Only a lost device refuses to answer, and `device.lost` says so.
    .catch(() => undefined);
  return { pipeline, layout };
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
