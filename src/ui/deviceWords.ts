/** The device and the storage in plain words. */
import type { BackendName, DeviceReport } from '../session/protocol';
import type { StoreStatus } from '../store/safeDatabase';

export const BACKEND_NAMES: Record<BackendName, string> = { webgpu: 'WebGPU', wasm: 'WASM', cpu: 'plain JavaScript' };

/** What the device means for the person: how fast, and why not faster. */
export function meaningOfDevice({ backend, software, fallbackReason }: DeviceReport): string {
  const speed =
    backend === 'webgpu'
      ? software
        ? 'WebGPU works here without a graphics card, computed by the processor: all the same, only slower.'
        : 'Everything runs on your graphics card; this is the fastest way.'
      : backend === 'wasm'
        ? 'Everything runs on your processor: the small models stay quick, the larger take patience.'
        : 'Everything runs in plain JavaScript: it works, slowly.';
  return fallbackReason ? `${speed} ${fallbackReason}` : speed;
}

export function savedWord(status: StoreStatus): string {
  if (status.state === 'memory-only') return 'not saved';
  return status.state === 'saving' ? 'saving …' : 'saved';
}
