/**
 * Rows of a tensor as a tensor of their own, without a copy, for kernels that take something large a block at a time.
 *
 * A dispatch may not bind one buffer both for reading and for writing, even in parts that lie apart: rows that are
 * written must be those of another tensor than rows that are read.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { KernelError } from '../errors';
import { bindingOf, internalsOf, type TensorData } from './backendInternals';
import { disposeScratch, webGpuBackend } from './kernel';

const BYTES = 4;

/** A block of so many rows begins where every device can bind it: 64 rows of 4 bytes are WebGPU's widest alignment. */
export const ROW_ALIGNMENT = 64;

/** Rows first … first + count - 1 of a tensor of rank 1 or more, as a tensor. */
export type RowsOf = (tensor: tf.TensorInfo, first: number, count: number) => tf.TensorInfo;

/**
 * Records kernels that take rows.
 * @param body ask for rows in the very call of the kernel that takes them, anew for each kernel: that is how their tensor
 *   is known to be in use until that kernel is submitted. They are gone when the body ends.
 * @throws KernelError where rows are not all there, or `first` is no multiple of `ROW_ALIGNMENT`
 */
export function withRows<T>(body: (rows: RowsOf) => T): T {
  const views: tf.TensorInfo[] = [];
  try {
    return body((tensor, first, count) => {
      const view = rowsOf(tensor, first, count);
      views.push(view);
      return view;
    });
  } finally {
    disposeScratch(views);
  }
}

function rowsOf(tensor: tf.TensorInfo, first: number, count: number): tf.TensorInfo {
  const [rows = 0, ...rest] = tensor.shape;
  if (first % ROW_ALIGNMENT !== 0 || first + count > rows) {
    throw new KernelError(
      'rowsOf',
      `expected rows within ${rows}, from a multiple of ${ROW_ALIGNMENT}, got ${count} from ${first}`,
    );
  }
  const backend = webGpuBackend('rowsOf');
  backend.uploadToGPU(tensor.dataId);
  const { buffer, offset = 0 } = bindingOf(backend, tensor.dataId);
  const rowBytes = BYTES * rest.reduce((product, size) => product * size, 1);
  const info = backend.makeTensorInfo([count, ...rest], tensor.dtype);
  const stream = internalsOf(backend);
  const data = stream.tensorMap.get(info.dataId) as TensorData;
  data.resource = buffer;
  data.view = { offset: offset + first * rowBytes, size: count * rowBytes, release: () => undefined };
  stream.commandQueueOwnedIds.add(tensor.dataId);
  return info;
}
