/**
 * An input of an operation that is also an output of it: the same numbers, no copy.
 *
 * Whoever goes on with the output sends its gradient through the operation, whose own gradient then adds it where it
 * writes anyway, instead of in a pass of its own that autodiff would make.
 */
import * as tf from '@tensorflow/tfjs-core';

/** A second tensor on the memory of `tensor`, for a kernel to return. The memory is free once both are disposed. */
export function passThrough(tensor: tf.TensorInfo): tf.TensorInfo {
  tf.backend().incRef(tensor.dataId);
  const { dataId, shape, dtype } = tensor;
  return { dataId, shape, dtype };
}

/** The same for the plain reference of an operation, whose outputs are tensors. */
export function passTensorThrough<T extends tf.Tensor>(tensor: T): T {
  return tf.reshape(tensor, tensor.shape) as T;
}
