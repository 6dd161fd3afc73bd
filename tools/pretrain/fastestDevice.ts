/**
 * The fastest device of this machine in Node: a GPU through the npm package `webgpu` (Dawn), where it is installed, else
 * WebAssembly. The package is large, so the project does not depend on it: `npm install --no-save webgpu`.
 */
import { startDevice, type Device } from '../../src/gpu/device';
import type { BackendName } from '../../src/session/protocol';
import '../../src/ops/webgpuKernels';

interface WebGpuPackage {
  create(options: string[]): GPU;
  globals: Record<string, unknown>;
}

export async function startFastestDevice(preference: BackendName | 'auto'): Promise<Device> {
  const gpu = preference === 'auto' || preference === 'webgpu' ? await gpuOfNode() : undefined;
  return startDevice(preference, gpu ? { gpu } : {});
}

/** Undefined where the package is not installed or finds no driver. */
async function gpuOfNode(): Promise<GPU | undefined> {
  const name = 'webgpu'; // not a literal: nobody is to look for its types
  try {
    const { create, globals } = (await import(/* @vite-ignore */ name)) as WebGpuPackage;
    Object.assign(globalThis, globals);
    const gpu = create([]);
    // tfjs asks `navigator.gpu` for what formats there are.
    if (!('navigator' in globalThis)) Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
    Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu, configurable: true });
    return gpu;
  } catch {
    return undefined;
  }
}
