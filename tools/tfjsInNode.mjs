/**
 * Vite options with which tfjs runs in Node, for the tools and for the tests that Vitest runs there.
 *
 * tfjs publishes CommonJS bundles for Node and ES modules for bundlers. The bundles lack the gradients and the chained
 * methods, which exist only as ES modules, and the ES modules call `require`, which Node does not give to them. So
 * Vite bundles core, gradients and the pure JavaScript backends once into one cached file (a second: about a thousand
 * modules). The WASM backend alone stays the CommonJS bundle, because it finds its .wasm file beside itself; it loads
 * a second copy of core, which is harmless: engine, kernel registry and Tensor class live on `globalThis`.
 */

/** What is bundled; a deep import of tfjs that is not in this list does not load in Node. */
export const TFJS_BUNDLED = [
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-core/dist/register_all_gradients',
  '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops',
  '@tensorflow/tfjs-backend-cpu',
  '@tensorflow/tfjs-backend-webgpu',
];

/** Imports that Vite takes in instead of leaving them to Node. */
export const TFJS_INLINE = /@tensorflow\/tfjs-(core|backend-cpu|backend-webgpu)/;
