/**
 * The kernels of `shaders/simd/`, which work on the tensors of tfjs-wasm where they lie.
 *
 * They are a second WebAssembly module on tfjs's own memory. A kernel gets addresses; what it needs besides its inputs
 * and outputs is a tensor too. Without SIMD there are none, and the plain references run instead.
 */
import * as tf from '@tensorflow/tfjs-core';

/** An address in the memory of tfjs-wasm, in bytes; 0 is none. */
type Address = number;

/** What `shaders/simd/index.ts` exports. Sizes and counts are of numbers, not of bytes. */
export interface SimdKernels {
  adamwUpdate(
    next: Address,
    parameter: Address,
    gradient: Address,
    m: Address,
    v: Address,
    count: number,
    keep: number,
    rate: number,
    epsilon: number,
    beta1: number,
    beta2: number,
    gradScale: number,
  ): void;
  attention(
    out: Address,
    lse: Address,
    qkv: Address,
    start: Address,
    scratch: Address,
    batch: number,
    length: number,
    heads: number,
    size: number,
  ): void;
  attentionBackward(
    dqkv: Address,
    qkv: Address,
    start: Address,
    out: Address,
    lse: Address,
    dy: Address,
    scratch: Address,
    batch: number,
    length: number,
    heads: number,
    size: number,
  ): void;
  /** Numbers of scratch memory that these take. */
  attentionScratch(length: number, size: number): number;
  attentionBackwardScratch(length: number, size: number): number;
  sumOfSquares(x: Address, count: number): number;
  gelu(y: Address, x: Address, count: number): void;
  timesGeluSlope(dx: Address, x: Address, count: number): void;
  layerNorm(
    y: Address,
    statistics: Address,
    x: Address,
    gamma: Address,
    beta: Address,
    rows: number,
    width: number,
    epsilon: number,
  ): void;
  layerNormBackward(
    dx: Address,
    dgamma: Address,
    dbeta: Address,
    x: Address,
    gamma: Address,
    statistics: Address,
    dy: Address,
    dPassed: Address,
    scratch: Address,
    rows: number,
    width: number,
  ): void;
  crossEntropy(
    loss: Address,
    lse: Address,
    logits: Address,
    targets: Address,
    weights: Address,
    rows: number,
    vocabulary: number,
  ): void;
  crossEntropyBackward(
    dlogits: Address,
    logits: Address,
    targets: Address,
    weights: Address,
    lse: Address,
    dy: number,
    rows: number,
    vocabulary: number,
  ): void;
  tokenLogProb(
    logProb: Address,
    entropy: Address,
    lse: Address,
    logits: Address,
    targets: Address,
    scale: number,
    rows: number,
    vocabulary: number,
  ): void;
  tokenLogProbBackward(
    dlogits: Address,
    logits: Address,
    targets: Address,
    entropy: Address,
    lse: Address,
    dLogProb: Address,
    dEntropy: Address,
    scale: number,
    rows: number,
    vocabulary: number,
  ): void;
  /** Numbers of scratch memory that `product` takes. */
  productScratch(rows: number, inner: number, columns: number): number;
  product(
    y: Address,
    a: Address,
    b: Address,
    bias: Address,
    residual: Address,
    scratch: Address,
    rows: number,
    inner: number,
    columns: number,
    transposeA: boolean,
    transposeB: boolean,
  ): void;
  sumOfRows(sums: Address, x: Address, rows: number, width: number): void;
}

/** What of tfjs-wasm's backend is not in the base class. */
interface WasmBackend {
  /** Emscripten's module: memory that threads share is its own, other memory that of the instance. */
  wasm: { wasmMemory?: WebAssembly.Memory; asm?: { memory?: WebAssembly.Memory } };
  dataIdMap: { get(dataId: tf.DataId): { memoryOffset: number } };
}

interface Loaded {
  backend: WasmBackend;
  kernels: SimdKernels;
  /** Of tfjs-wasm itself. */
  threads: number;
}

let loaded: Loaded | null = null;
let enabled = true;

/** The kernels, where the current backend is tfjs-wasm and SIMD is there, else null. */
export function simdKernels(): SimdKernels | null {
  return enabled && loaded !== null && tf.getBackend() === 'wasm' ? loaded.kernels : null;
}

/** How many threads tfjs-wasm has for its own products; the kernels have one. */
export function tfjsThreads(): number {
  return loaded?.threads ?? 1;
}

/** Where a tensor lies. Stays so when memory grows. */
export function addressOf(tensor: tf.TensorInfo): Address {
  return (loaded as Loaded).backend.dataIdMap.get(tensor.dataId).memoryOffset;
}

/** Whether loaded kernels are used, as they are unless a test or a measurement wants the plain references. */
export function useSimdKernels(use: boolean): void {
  enabled = use;
}

/**
 * Loads the kernels for the current backend, which is tfjs-wasm with SIMD.
 * @param threads how many tfjs-wasm has
 * @returns whether there are any: not where tfjs has no memory to give
 */
export async function loadSimdKernels(threads: number): Promise<boolean> {
  const backend = tf.backend() as unknown as WasmBackend; // not in the base class
  if (loaded?.backend === backend) return true;
  const memory = backend.wasm.wasmMemory ?? backend.wasm.asm?.memory;
  if (!(memory instanceof WebAssembly.Memory)) return false;
  const bytes = await kernelBytes(isShared(memory));
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory, 'Math.log': Math.log } });
  loaded = { backend, kernels: instance.exports as unknown as SimdKernels, threads };
  return true;
}

const isShared = (memory: WebAssembly.Memory): boolean =>
  'SharedArrayBuffer' in globalThis && memory.buffer instanceof SharedArrayBuffer;

async function kernelBytes(shared: boolean): Promise<Uint8Array<ArrayBuffer>> {
  const module = shared
    ? await import('../../shaders/simd/index.ts?simd&shared')
    : await import('../../shaders/simd/index.ts?simd');
  return module.default;
}
