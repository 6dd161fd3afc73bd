/**
 * Starts WebAssembly, with threads where they can help.
 *
 * Threads need memory that workers share, which browsers give only to a page that two headers of its host (COOP and COEP)
 * isolate from other origins. Most static hosts do not send them, and nothing needs them. tfjs takes a thread for every
 * two cores, and only its matrix products use them; src/README.md has the figures.
 */
import { getThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import wasmUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simdWasmUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threadedWasmUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import * as tf from '@tensorflow/tfjs-core';
import { BackendError } from '../errors';
import { loadSimdKernels } from './simd';

export interface Wasm {
  /** What runs, in words. */
  description: string;
  features: string[];
}

/** In the browser the three binaries are files of the site; in Node, which has no window or worker scope, the package finds its own. */
const inNode = !('WorkerGlobalScope' in globalThis) && !('document' in globalThis);
let prepared = false;

/** With fewer there is one thread all the same, and sharing its memory costs. */
const FEWEST_CORES = 4;

/**
 * Makes WebAssembly tfjs's backend.
 * @throws BackendError where it does not start
 */
export async function startWasm(): Promise<Wasm> {
  if (!prepared) prepare();
  prepared = true;
  const simd = (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) === true;
  const threaded = simd && (await mayHaveThreads()); // there is no build with threads and without SIMD
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', threaded);
  if (!(await tf.setBackend('wasm'))) throw new BackendError('WebAssembly did not start.', 'Reload the page.');
  const threads = threaded ? getThreadsCount() : 1;
  if (simd) await loadSimdKernels(threads);
  return {
    description: `WASM ${simd ? 'SIMD' : 'without SIMD'}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    features: [...(simd ? ['simd'] : []), ...(threads > 1 ? ['threads'] : [])],
  };
}

/** The one place that decides. */
async function mayHaveThreads(): Promise<boolean> {
  return (
    !inNode &&
    globalThis.crossOriginIsolated &&
    navigator.hardwareConcurrency >= FEWEST_CORES &&
    (await startsFromText())
  );
}

/** tfjs makes its threads of text, which a host's content security policy may forbid; it would then wait for ever. */
function startsFromText(): Promise<boolean> {
  const address = URL.createObjectURL(new Blob(['postMessage(null)'], { type: 'text/javascript' }));
  return new Promise<boolean>((resolve) => {
    const worker = new Worker(address);
    const answer = (started: boolean): void => {
      worker.terminate();
      resolve(started);
    };
    worker.onmessage = () => answer(true);
    worker.onerror = (event) => {
      event.preventDefault();
      answer(false);
    };
  })
    .catch(() => false)
    .finally(() => URL.revokeObjectURL(address));
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
