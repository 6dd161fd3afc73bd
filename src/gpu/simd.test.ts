import { describe, expect, it } from 'vitest';
import forOneThread from '../../shaders/simd/index.ts?simd';
import forThreads from '../../shaders/simd/index.ts?simd&shared';
import type { SimdKernels } from './simd';

const COUNT = 65;
const [FROM, TO] = [1024, 2048];

/** What a build makes of some numbers in a memory of its own. */
async function geluIn(bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory): Promise<Float32Array> {
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory, 'Math.log': Math.log } });
  const x = new Float32Array(memory.buffer, FROM, COUNT);
  for (let i = 0; i < COUNT; i++) x[i] = (i - 30) / 7;
  (instance.exports as unknown as SimdKernels).gelu(TO, FROM, COUNT);
  return Float32Array.from(new Float32Array(memory.buffer, TO, COUNT));
}

describe('the module of shaders/simd/', () => {
  it('computes the same in memory of its own and in memory that threads share', async () => {
    const own = await geluIn(forOneThread, new WebAssembly.Memory({ initial: 1 }));
    const shared = await geluIn(forThreads, new WebAssembly.Memory({ initial: 1, maximum: 32768, shared: true }));
    expect(shared).toEqual(own);
    expect(own[COUNT - 1]).toBeCloseTo((COUNT - 31) / 7, 4);
  });

  it('brings no data that would overwrite what lies in the memory, and is small', async () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    new Uint8Array(memory.buffer).fill(0xa5);
    await WebAssembly.instantiate(forOneThread, { env: { memory, 'Math.log': Math.log } });
    expect(new Uint8Array(memory.buffer).every((byte) => byte === 0xa5)).toBe(true);
    expect(forOneThread.length).toBeLessThan(30_000);
  });
});
