/**
 * How an operation of ours is known to tfjs.
 *
 * An operation is a tfjs kernel under its own name, so that autodiff, memory and profiling see it like any other. Its
 * file holds the plain reference (tfjs ops or loops over host arrays), which is the implementation on WASM and CPU and
 * what the WGSL kernel in `<op>.webgpu.ts` is tested against. A gradient is an operation again, with its own reference
 * and its own kernel.
 */
import * as tf from '@tensorflow/tfjs-core';
import { simdKernels, type SimdKernels } from '../gpu/simd';

/** Inputs by name; an optional input that is absent is left out. */
export type Inputs = Record<string, tf.Tensor>;

/** Backends whose tensors the host can read at no cost, where the reference is the implementation. */
const HOST_BACKENDS = ['wasm', 'cpu'] as const;

/**
 * Registers the plain reference of an operation on the host backends.
 * @param name kernel name, shared with the WebGPU kernel
 * @param reference gives every output; what else it makes is disposed here
 */
export function registerReference<A extends object>(
  name: string,
  reference: (inputs: Inputs, attributes: A) => tf.Tensor[],
): void {
  for (const backendName of HOST_BACKENDS) {
    tf.registerKernel({
      kernelName: name,
      backendName,
      // tfjs hands over TensorInfos that are the caller's own Tensors.
      kernelFunc: ({ inputs, attrs }) =>
        tf.tidy(() => reference(inputs as Inputs, (attrs ?? {}) as A)) as tf.TensorInfo[],
    });
  }
}

/**
 * Registers the kernel of `shaders/simd/` that takes the place of the reference on WASM where the kernels are loaded. To be called
 * after `registerReference`.
 * @param run gives every output; what else it makes is disposed here
 */
export function registerWasm<A extends object>(
  name: string,
  run: (kernels: SimdKernels, inputs: Inputs, attributes: A) => tf.Tensor[],
): void {
  const reference = tf.getKernel(name, 'wasm').kernelFunc;
  tf.unregisterKernel(name, 'wasm');
  tf.registerKernel({
    kernelName: name,
    backendName: 'wasm',
    kernelFunc: (call) => {
      const kernels = simdKernels();
      if (kernels === null) return reference(call);
      const { inputs, attrs } = call;
      return tf.tidy(() => run(kernels, inputs as Inputs, (attrs ?? {}) as A)) as tf.TensorInfo[];
    },
  });
}

/** Registers the gradient of an operation: from dy of each output and what was saved to dx of each input. */
export function registerGradient<A extends object>(
  name: string,
  saved: { inputs: string[]; outputs: boolean[] },
  gradient: (dys: tf.Tensor[], saved: tf.Tensor[], attributes: A) => Record<string, () => tf.Tensor>,
): void {
  tf.registerGradient({
    kernelName: name,
    inputsToSave: saved.inputs,
    outputsToSave: saved.outputs,
    gradFunc: (dy, savedTensors, attrs) => gradient(Array.isArray(dy) ? dy : [dy], savedTensors, attrs as A),
  });
}

/** Runs an operation on the current backend. Returns all outputs, in the order of its registration. */
export function runOperation(name: string, inputs: Inputs, attributes: object = {}): tf.Tensor[] {
  const outputs = tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(name, inputs, attributes as tf.NamedAttrMap);
  return Array.isArray(outputs) ? outputs : [outputs];
}
