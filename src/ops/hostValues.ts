/**
 * The numbers of a tensor where the host keeps them, without a copy.
 *
 * `dataSync` copies on WASM. A view into the heap costs nothing, and writing through it changes the tensor, which is
 * how an operation that is in place on a GPU is in place on the host too.
 */
import * as tf from '@tensorflow/tfjs-core';

interface WasmHeap {
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array | Int32Array;
  makeOutput(shape: number[], dtype: 'float32'): tf.TensorInfo;
}

const wasmHeap = (): WasmHeap => tf.backend() as unknown as WasmHeap; // not in the base class

/**
 * A view of a float32 tensor on the backends wasm and cpu. Good until the next tensor is made: the heap may then grow
 * and leave the view empty.
 */
export function hostFloats(tensor: tf.Tensor): Float32Array {
  return hostNumbers(tensor) as Float32Array;
}

/** The same of a tensor of either dtype. */
export function hostNumbers(tensor: tf.Tensor): Float32Array | Int32Array {
  if (tf.getBackend() !== 'wasm') return tensor.dataSync<'float32' | 'int32'>();
  return wasmHeap().typedArrayFromHeap(tensor);
}

/**
 * A float32 tensor to be filled through `hostFloats`, on the backends wasm and cpu. It holds anything at first. Make all
 * that an operation needs before the first view is taken.
 */
export function unfilled<R extends tf.Rank>(shape: tf.ShapeMap[R]): tf.Tensor<R> {
  if (tf.getBackend() !== 'wasm') return tf.tensor(new Float32Array(tf.util.sizeFromShape(shape)), shape);
  const info = wasmHeap().makeOutput([...shape], 'float32');
  return tf.engine().makeTensorFromTensorInfo(info) as tf.Tensor<R>;
}
