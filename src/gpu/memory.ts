/** Tensors alive, and the bytes of them on the device; free buffers that the pool keeps for later are not counted. */
import * as tf from '@tensorflow/tfjs-core';

/** Only the WebGPU backend counts its buffers. */
interface GpuMemory {
  numBytesInGPU?: number;
}

export function memory(): { tensors: number; bytes: number } {
  const info = tf.memory();
  return { tensors: info.numTensors, bytes: (info as GpuMemory).numBytesInGPU ?? info.numBytes };
}
