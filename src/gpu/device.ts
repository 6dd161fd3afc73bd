/**
 * Starts the device that tensors are computed on: WebGPU on a `GPUDevice` of our own, else WebAssembly, else plain
 * JavaScript. Touches no DOM, so it runs in a worker, a window and Node alike.
 */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { BackendError, DeviceLostError } from '../errors';
import type { BackendName, DeviceReport } from '../session/protocol';
import { type GpuErrorListener, onGpuError } from './gpuErrors';
import { startWebGpu, type WebGpu } from './webgpu';

export interface Device {
  report: DeviceReport;
  /** The GPU, or null on `wasm` and `cpu`. */
  gpu: GPUDevice | null;
  /** Resolves once the GPU is gone; never on `wasm` and `cpu`. All tensors on it are gone too: call `startDevice` again. */
  lost: Promise<DeviceLostError>;
  /** Calls `listener` for each later validation error of the GPU; returns a function that stops it. */
  onError(listener: GpuErrorListener): () => void;
  /** Takes the GPU away, as a driver crash would; does nothing on `wasm` and `cpu`. For tests. */
  destroy(): void;
}

export interface StartOptions {
  /** Where adapters come from; `navigator.gpu` unless given (Node has none of its own). */
  gpu?: GPU;
}

/**
 * Starts the fastest device there is and makes it tfjs's backend. What cannot start is passed over, and
 * `report.fallbackReason` says why.
 *
 * @param preference a backend to begin with; `auto` tries WebGPU, then WASM, then plain JavaScript, and passes over a
 *   GPU that is itself computed on the CPU, since WASM is faster there.
 * @throws BackendError when nothing starts.
 */
export async function startDevice(preference: BackendName | 'auto', options: StartOptions = {}): Promise<Device> {
  const reasons: string[] = [];
  const order: BackendName[] = ['webgpu', 'wasm', 'cpu'];
  const first = preference === 'auto' ? 0 : order.indexOf(preference);
  for (const backend of order.slice(first)) {
    try {
      const device = await startBackend(backend, preference, options);
      device.report.fallbackReason = reasons.join(' ');
      return device;
    } catch (error) {
      reasons.push(
        error instanceof BackendError ? error.message : `${LABELS[backend]} did not start: ${String(error)}.`,
      );
    }
  }
  throw new BackendError(
    `No way to compute was found. ${reasons.join(' ')}`,
    'Use a current version of Chrome, Edge, Firefox or Safari.',
  );
}

const LABELS: Record<BackendName, string> = { webgpu: 'WebGPU', wasm: 'WebAssembly', cpu: 'JavaScript' };

function startBackend(backend: BackendName, preference: BackendName | 'auto', options: StartOptions): Promise<Device> {
  switch (backend) {
    case 'webgpu':
      return startWebGpu(options.gpu, preference === 'webgpu').then(asDevice);
    case 'wasm':
      return startWebAssembly();
    case 'cpu':
      return startCpu();
  }
}

function asDevice({ device, description, software }: WebGpu): Device {
  return {
    report: {
      backend: 'webgpu',
      adapter: description,
      software,
      features: [...device.features].sort(),
      fallbackReason: '',
    },
    gpu: device,
    lost: device.lost.then((info) => new DeviceLostError((info.message || info.reason).replace(/[.\s]+$/, ''))),
    onError: (listener) => onGpuError(device, listener),
    destroy: () => device.destroy(),
  };
}

// Each way is loaded when it is taken: a page on WebAssembly need not fetch the GPU's kernels, nor the other way round.

async function startWebAssembly(): Promise<Device> {
  const { startWasm } = await import('./wasm');
  const { description, features } = await startWasm();
  return withoutGpu('wasm', description, features);
}

async function startCpu(): Promise<Device> {
  await import('@tensorflow/tfjs-backend-cpu');
  await select('cpu');
  return withoutGpu('cpu', 'plain JavaScript, 1 thread', []);
}

async function select(backend: BackendName): Promise<void> {
  if (!(await tf.setBackend(backend))) {
    throw new BackendError(`${LABELS[backend]} did not start.`, 'Reload the page.');
  }
}

function withoutGpu(backend: BackendName, adapter: string, features: string[]): Device {
  return {
    report: { backend, adapter, software: false, features, fallbackReason: '' },
    gpu: null,
    lost: new Promise(() => undefined),
    onError: () => () => undefined,
    destroy: () => undefined,
  };
}
