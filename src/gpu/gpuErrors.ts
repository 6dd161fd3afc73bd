/**
 * Where errors of a GPU device come together: WebGPU reports them long after the call that caused them, so they go to
 * listeners instead of up the stack.
 */
import { GpuValidationError } from '../errors';

export type GpuErrorListener = (error: GpuValidationError) => void;

const listenersOf = new WeakMap<GPUDevice, Set<GpuErrorListener>>();

/** Calls `listener` for every later error of `device`; returns a function that stops it. */
export function onGpuError(device: GPUDevice, listener: GpuErrorListener): () => void {
  let listeners = listenersOf.get(device);
  if (!listeners) {
    listeners = new Set();
    listenersOf.set(device, listeners);
  }
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Hands an error to all listeners of `device`; without any it goes to the console, so that none is lost. */
export function reportGpuError(device: GPUDevice, message: string): void {
  const error = new GpuValidationError(message);
  const listeners = listenersOf.get(device);
  if (!listeners?.size) {
    console.error(error);
    return;
  }
  for (const listener of listeners) listener(error);
}
