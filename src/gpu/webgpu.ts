/** A `GPUDevice` of our own, with tfjs's WebGPU backend running on it. */
import * as tf from '@tensorflow/tfjs-core';
import { BackendError } from '../errors';
import { allowViews, boundMemory, neverCacheOnCpu } from './backendInternals';
import { reportGpuError } from './gpuErrors';
import { testQuads } from './quad';
import { describeAdapter, isSoftware } from './softwareAdapter';

export interface WebGpu {
  device: GPUDevice;
  /** The adapter's own words for itself. */
  description: string;
  /** True for a GPU that is computed on the CPU. */
  software: boolean;
}

/** Used where the adapter has them; no kernel may need them. */
const OPTIONAL_FEATURES: GPUFeatureName[] = ['timestamp-query', 'subgroups', 'shader-f16'];

/** A device gets WebGPU's smallest limits unless it asks for more: we ask for all that the adapter has. */
const LIMITS = [
  'maxBufferSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
] as const satisfies (keyof GPUSupportedLimits)[];

/** Dispatches that tfjs gathers before it submits them; its default of 15 spends more on submits than it saves. */
const DISPATCHES_PER_SUBMIT = 64;

const NO_WEBGPU_REMEDY = 'Update the browser and the graphics driver, or go on without a GPU.';

/**
 * Asks for an adapter and a device and makes a fresh tfjs backend on it. May be called again after a loss: the old
 * backend and all its tensors are thrown away.
 *
 * @param gpu where adapters come from; `navigator.gpu` unless given.
 * @param allowSoftware whether a GPU that is computed on the CPU will do.
 * @throws BackendError when there is no adapter, or it gives no device.
 */
export async function startWebGpu(gpu: GPU | undefined, allowSoftware: boolean): Promise<WebGpu> {
  const source = gpu ?? globalThis.navigator?.gpu;
  if (!source) throw new BackendError('This browser has no WebGPU.', NO_WEBGPU_REMEDY);
  if (gpu) showToTfjs(gpu);
  const adapter = await source.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new BackendError('WebGPU found no graphics adapter that it can use.', NO_WEBGPU_REMEDY);

  const description = describeAdapter(adapter.info);
  const software = isSoftware(adapter.info);
  if (software && !allowSoftware) {
    throw new BackendError(
      `The only GPU here is itself computed on the CPU (${description}), where WASM is faster.`,
      NO_WEBGPU_REMEDY,
    );
  }
  const device = await adapter
    .requestDevice({
      label: 'nudge',
      requiredFeatures: OPTIONAL_FEATURES.filter((feature) => adapter.features.has(feature)),
      requiredLimits: Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]])),
    })
    .catch((cause: unknown) => {
      throw new BackendError(
        `The graphics adapter (${description}) gave no device: ${String(cause)}.`,
        NO_WEBGPU_REMEDY,
        { cause },
      );
    });
  device.addEventListener('uncapturederror', (event) => reportGpuError(device, event.error.message));
  await testQuads(device);
  await giveToTfjs(device, adapter.info);
  return { device, description, software };
}

async function giveToTfjs(device: GPUDevice, info: GPUAdapterInfo): Promise<void> {
  // Loaded only now that there is a device for it.
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
  // tfjs registers one of its own where it finds WebGPU when it is loaded, which in Node it does not.
  if (tf.findBackendFactory('webgpu')) tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', () => {
    const backend = new WebGPUBackend(device, info);
    neverCacheOnCpu(backend);
    boundMemory(backend);
    allowViews(backend);
    return backend;
  });
  // Ops on small tensors would otherwise run on the CPU, and a captured step would freeze their results.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  tf.env().set('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE', DISPATCHES_PER_SUBMIT);
  if (!(await tf.setBackend('webgpu'))) {
    throw new BackendError('tfjs did not take the GPU device.', NO_WEBGPU_REMEDY);
  }
}

/** tfjs looks for `navigator.gpu` before it takes any device; Node has none, so the given one is put there. */
function showToTfjs(gpu: GPU): void {
  if (globalThis.navigator?.gpu) return;
  if (globalThis.navigator) {
    Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu, configurable: true });
  } else {
    Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  }
}
