/** How the WebGPU half of an operation is known to tfjs. */
import * as tf from '@tensorflow/tfjs-core';
import { KernelError } from '../errors';

/** Inputs by name, as tfjs hands them to a kernel. */
export type InputInfos = Record<string, tf.TensorInfo>;

/**
 * Registers the WGSL implementation of an operation. Importing the `<op>.webgpu.ts` that calls it is enough.
 * @param run records the dispatches and returns every output, in the order of the reference
 */
export function registerWebGpu<A extends object>(
  name: string,
  run: (inputs: InputInfos, attributes: A) => tf.TensorInfo[],
): void {
  tf.registerKernel({
    kernelName: name,
    backendName: 'webgpu',
    kernelFunc: ({ inputs, attrs }) => run(inputs as InputInfos, (attrs ?? {}) as A),
  });
}

/** An input by name, which must be there and float32 unless another dtype is given. */
export function input(
  operation: string,
  inputs: InputInfos,
  name: string,
  dtype: tf.DataType = 'float32',
): tf.TensorInfo {
  const info = inputs[name];
  if (!info) throw new KernelError(operation, `expected an input ${name}, got ${Object.keys(inputs).join(', ')}`);
  if (info.dtype !== dtype) throw new KernelError(operation, `expected ${name} in ${dtype}, got ${info.dtype}`);
  return info;
}
