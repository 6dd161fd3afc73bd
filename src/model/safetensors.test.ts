import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../errors';
import { halfBits, halfValue, readSafetensors, type StoredTensor, writeSafetensors } from './safetensors';

const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
const tensor = (value: fc.Arbitrary<number>): fc.Arbitrary<StoredTensor> =>
  fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }).chain((shape) => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    return fc
      .array(value, { minLength: size, maxLength: size })
      .map((values) => ({ shape, values: Float32Array.from(values) }));
  });
const name = fc.string({ unit: 'grapheme' }).filter((text) => !['__proto__', '__metadata__'].includes(text));
const tensors = (value = finite): fc.Arbitrary<Map<string, StoredTensor>> =>
  fc.array(fc.tuple(name, tensor(value)), { maxLength: 5 }).map((entries) => new Map(entries));

/** A file of any header, right or wrong, and a body of so many zeros. */
function fileOf(header: string | Uint8Array | object, bodyBytes: number, headerBytes?: bigint): ArrayBuffer {
  const json =
    header instanceof Uint8Array
      ? header
      : new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + bodyBytes);
  new DataView(file.buffer).setBigUint64(0, headerBytes ?? BigInt(json.length), true);
  file.set(json, 8);
  return file.buffer;
}

const F32 = (shape: number[], begin: number, end: number): object => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

describe('safetensors', () => {
  it('reads what it wrote, number for number, name for name', () =>
    fc.assert(
      fc.property(tensors(), (written) => {
        const { tensors: read } = readSafetensors(writeSafetensors(written));
        expect(new Map([...read].sort())).toEqual(new Map([...written].sort()));
      }),
    ));

  it('in 16 bits reads back the nearest number that 16 bits hold', () =>
    fc.assert(
      fc.property(tensors(fc.float({ min: -65504, max: 65504, noNaN: true })), (written) => {
        const { tensors: read } = readSafetensors(writeSafetensors(written, {}, 'F16'));
        for (const [key, { shape, values }] of written) {
          expect(read.get(key)).toEqual({ shape, values: values.map((value) => halfValue(halfBits(value))) });
        }
      }),
    ));

  it('keeps what it was told about the run', () => {
    const metadata = { step: '3', words: 'naïve "quotes" 🙂' };
    const bytes = writeSafetensors(new Map(), metadata);
    expect(readSafetensors(bytes).metadata).toEqual({ format: 'pt', ...metadata });
  });

  it('begins the numbers at a multiple of 8 bytes, as the format asks', () =>
    fc.assert(
      fc.property(tensors(), (written) => {
        const view = new DataView(writeSafetensors(written));
        expect(Number(view.getBigUint64(0, true)) % 8).toBe(0);
      }),
    ));

  it('reads brain floats, the upper half of a float32', () => {
    const bits = [0x3f80, 0xc049, 0x0001];
    const file = fileOf({ w: { dtype: 'BF16', shape: [3], data_offsets: [0, 6] } }, 6);
    const view = new DataView(file, file.byteLength - 6);
    bits.forEach((value, i) => view.setUint16(2 * i, value, true));
    const { values } = readSafetensors(file).tensors.get('w') as StoredTensor;
    expect([...values]).toEqual([1, -3.140625, Math.fround(2 ** -133)]);
  });

  it('refuses to write what is not a number, and in 16 bits what is too large', () => {
    const one = (value: number): Map<string, StoredTensor> =>
      new Map([['w', { shape: [2], values: Float32Array.of(1, value) }]]);
    for (const value of [NaN, Infinity, -Infinity]) {
      expect(() => writeSafetensors(one(value))).toThrow(CheckpointError);
      expect(() => writeSafetensors(one(value), {}, 'F16')).toThrow(CheckpointError);
    }
    expect(() => writeSafetensors(one(65520), {}, 'F16')).toThrow(CheckpointError);
    expect(() => writeSafetensors(one(65519), {}, 'F16')).not.toThrow();
    expect(() => writeSafetensors(one(65520))).not.toThrow();
  });

  const valid = writeSafetensors(new Map([['w', { shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) }]]));

  it('refuses a file that is cut short anywhere, and one with more at its end', () => {
    for (let length = 0; length < valid.byteLength; length++) {
      expect(() => readSafetensors(valid.slice(0, length)), `${length} bytes`).toThrow(CheckpointError);
    }
    const longer = new Uint8Array(valid.byteLength + 1);
    longer.set(new Uint8Array(valid));
    expect(() => readSafetensors(longer.buffer)).toThrow(CheckpointError);
  });

  it('reads any damaged file or says that it is damaged, and does nothing else', () =>
    fc.assert(
      fc.property(fc.nat(valid.byteLength - 1), fc.nat(255), (at, byte) => {
        const damaged = new Uint8Array(valid.slice(0));
        damaged[at] = byte;
        try {
          readSafetensors(damaged.buffer);
        } catch (error) {
          expect(error).toBeInstanceOf(CheckpointError);
        }
      }),
      { numRuns: 500 },
    ));

  it('reads tensors in any order of the header, empty ones too', () => {
    const file = fileOf({ b: F32([2], 0, 8), empty: F32([0], 0, 0), a: F32([1], 8, 12), end: F32([3, 0], 12, 12) }, 12);
    expect([...readSafetensors(file).tensors.keys()].sort()).toEqual(['a', 'b', 'empty', 'end']);
  });

  const bad: [string, ArrayBuffer][] = [
    ['an empty file', new ArrayBuffer(0)],
    ['a header longer than the file', fileOf('{}', 0, 3n)],
    ['a header of 2^60 bytes', fileOf('{}', 0, 1n << 60n)],
    ['a header of 2^64 - 1 bytes', fileOf('{}', 0, (1n << 64n) - 1n)],
    ['another kind of file', new TextEncoder().encode('%PDF-1.7 and so on, quite long').buffer],
    ['a header that is no JSON', fileOf('{"w":', 0)],
    ['a header that is no text', fileOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), 0)],
    ['a header that is a list', fileOf('[]', 0)],
    ['a header that is null', fileOf('null', 0)],
    ['a tensor without a shape', fileOf({ w: { dtype: 'F32', data_offsets: [0, 4] } }, 4)],
    ['a tensor that is null', fileOf({ w: null }, 0)],
    ['a negative size', fileOf({ w: F32([-1, -1], 0, 4) }, 4)],
    ['half a size', fileOf({ w: F32([0.5], 0, 2) }, 2)],
    ['sizes whose product overflows', fileOf({ w: F32([2 ** 40, 2 ** 40], 0, 4) }, 4)],
    ['offsets that do not fit the shape', fileOf({ w: F32([2], 0, 4) }, 4)],
    ['offsets that run backwards', fileOf({ w: F32([1], 4, 0) }, 4)],
    ['offsets beyond the file', fileOf({ w: F32([2], 0, 8) }, 4)],
    ['one offset', fileOf({ w: { dtype: 'F32', shape: [1], data_offsets: [0] } }, 4)],
    ['tensors that overlap', fileOf({ a: F32([2], 0, 8), b: F32([2], 4, 12) }, 12)],
    ['two tensors in one place', fileOf({ a: F32([2], 0, 8), b: F32([2], 0, 8) }, 8)],
    ['a gap between tensors', fileOf({ a: F32([1], 0, 4), b: F32([1], 8, 12) }, 12)],
    ['a gap before the first', fileOf({ a: F32([1], 4, 8) }, 8)],
    ['bytes after the last', fileOf({ a: F32([1], 0, 4) }, 8)],
    ['a type that we do not read', fileOf({ w: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8)],
    ['a type with a name of JavaScript', fileOf({ w: { dtype: 'constructor', shape: [0], data_offsets: [0, 0] } }, 0)],
    ['a tensor named __proto__', fileOf('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4)],
  ];
  it.each(bad)('refuses %s', (_what, file) => {
    expect(() => readSafetensors(file)).toThrow(CheckpointError);
  });

  // 100 MB is where the format's own readers stop (safetensors, MAX_HEADER_SIZE).
  it('refuses a header above 100 MB, to read and to write, and takes one of 100 MB', () => {
    const header = new Uint8Array(100_000_001).fill(0x20);
    header.set(new TextEncoder().encode('{}'));
    expect(() => readSafetensors(fileOf(header, 0))).toThrow(/header/);
    expect(() => readSafetensors(fileOf(header.subarray(0, 100_000_000), 0))).not.toThrow();
    expect(() => writeSafetensors(new Map(), { text: 'x'.repeat(100_000_000) })).toThrow(CheckpointError);
  });

  it('takes no notice of odd metadata', () => {
    const file = fileOf('{"__metadata__":{"__proto__":"x","n":1,"text":"kept"}}', 0);
    const { metadata } = readSafetensors(file);
    expect(metadata).toEqual({ text: 'kept' });
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
    for (const odd of ['null', '"words"', '[1]']) {
      expect(() => readSafetensors(fileOf(`{"__metadata__":${odd}}`, 0))).not.toThrow();
    }
  });
});

describe('16-bit floats', () => {
  it.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [1 / 3, 0x3555],
    [0.1, 0x2e66],
    [65504, 0x7bff],
    [65519, 0x7bff],
    [65520, 0x7c00],
    [1e10, 0x7c00],
    [-Infinity, 0xfc00],
    [NaN, 0x7e00],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [-(2 ** -25) * 1.001, 0x8001],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [2047 * 2 ** -25, 0x0400],
  ])('%d is the bits %i, ties to even', (value, bits) => expect(halfBits(value)).toBe(bits));

  it('all 65536 mean a number that turns into the same bits again', () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = halfValue(bits);
      const isNaNPattern = (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0;
      if (isNaNPattern ? !Number.isNaN(value) : halfBits(value) !== bits) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });

  it('are the nearest there is: no neighbour is nearer', () =>
    fc.assert(
      fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (value) => {
        const bits = halfBits(value);
        const error = Math.abs(halfValue(bits) - value);
        for (const neighbour of [bits - 1, bits + 1]) {
          const other = halfValue(neighbour & 0xffff);
          if (Number.isFinite(other)) expect(error).toBeLessThanOrEqual(Math.abs(other - value));
        }
      }),
      { numRuns: 2000 },
    ));
});
