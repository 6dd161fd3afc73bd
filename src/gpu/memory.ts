/** Tensors alive, and the bytes of them on the device. */
import * as tf from '@tensorflow/tfjs-core';

/** Only the WebGPU backend counts its buffers, those in its pool included. */
interface GpuMemory {
  numBytesAllocatedInGPU?: number;
}

export function memory(): { tensors: number; bytes: number } {
  const info = tf.memory();
  return { tensors: info.numTensors, bytes: (info as GpuMemory).numBytesAllocatedInGPU ?? info.numBytes };
}
