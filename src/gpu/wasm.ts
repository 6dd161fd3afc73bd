/**
 * Starts WebAssembly, on one thread.
 *
 * Threads need memory that workers share, and so two headers (COOP and COEP) that most static hosts do not send. Where a
 * host sends them, tfjs takes a thread for every two cores, and only matrix products use them; src/README.md has the
 * figures.
 */
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import wasmUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simdWasmUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threadedWasmUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import * as tf from '@tensorflow/tfjs-core';
import { BackendError } from '../errors';

export interface Wasm {
  /** What runs, in words. */
  description: string;
  features: string[];
}

/** In the browser the three binaries are files of the site; in Node, which has no window or worker scope, the package finds its own. */
const inNode = !('WorkerGlobalScope' in globalThis) && !('document' in globalThis);
let prepared = false;

/**
 * Makes WebAssembly tfjs's backend.
 * @throws BackendError where it does not start
 */
export async function startWasm(): Promise<Wasm> {
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  if (!prepared) prepare();
  prepared = true;
  if (!(await tf.setBackend('wasm'))) throw new BackendError('WebAssembly did not start.', 'Reload the page.');
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  return simd
    ? { description: 'WASM SIMD, 1 thread', features: ['simd'] }
    : { description: 'WASM without SIMD, 1 thread', features: [] };
}

function prepare(): void {
  if (!inNode) {
    setWasmPaths({
      'tfjs-backend-wasm.wasm': wasmUrl,
      'tfjs-backend-wasm-simd.wasm': simdWasmUrl,
      'tfjs-backend-wasm-threaded-simd.wasm': threadedWasmUrl,
    });
  }
  shareClones();
}

/**
 * A clone has the memory of its original, as on the other backends. tfjs-wasm copies, and autodiff makes a clone of every
 * tensor that a gradient will want.
 */
function shareClones(): void {
  tf.unregisterKernel(tf.Identity, 'wasm');
  tf.registerKernel({
    kernelName: tf.Identity,
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend }) => {
      const { dataId, shape, dtype } = inputs['x'] as tf.TensorInfo;
      (backend as tf.KernelBackend).incRef(dataId);
      return { dataId, shape, dtype };
    },
  });
}
