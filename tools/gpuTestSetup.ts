/** Kernel tests: what the device refuses comes long after the call, so it is looked for after every test. */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import '@tensorflow/tfjs-backend-cpu'; // what WebGPU is compared with
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, expect } from 'vitest';
import { GpuValidationError } from '../src/errors';

const refused: string[] = [];

// Where nobody listens to a device, `reportGpuError` writes to the console.
const { error: say } = console;
console.error = (...words: unknown[]) => {
  if (words[0] instanceof GpuValidationError) refused.push(words[0].message);
  else say(...words);
};

afterEach(async () => {
  if (tf.getBackend() === 'webgpu') await (tf.backend() as WebGPUBackend).device.queue.onSubmittedWorkDone();
  await new Promise((resolve) => setTimeout(resolve));
  expect(refused.splice(0), 'what the GPU device refused').toEqual([]);
});
