/**
 * The safetensors format: a length, a JSON header, and one flat buffer. https://huggingface.co/docs/safetensors
 *
 * The reader trusts nothing: offsets must be in order without overlap or gap, sizes must fit the shapes, and names that
 * are special to JavaScript are refused.
 */
import { CheckpointError } from '../errors';

export interface StoredTensor {
  shape: number[];
  values: Float32Array;
}

export interface SafetensorsFile {
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
}

export type StoredType = 'F32' | 'F16';

const BYTES: Record<string, number> = { F32: 4, F16: 2, BF16: 2 };
/** As in Hugging Face's own reader. */
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Writes tensors in the order of the map.
 * @param type F16 rounds to nearest even; numbers beyond 65504 become infinite and are refused
 * @throws CheckpointError where a value is not finite, or not finite any more in 16 bits, and where names and metadata take
 * more than readers accept
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Record<string, string> = {},
  type: StoredType = 'F32',
): ArrayBuffer {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt', ...metadata } };
  const width = BYTES[type] as number;
  let offset = 0;
  for (const [name, { shape, values }] of tensors) {
    header[name] = { dtype: type, shape, data_offsets: [offset, offset + values.length * width] };
    offset += values.length * width;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / 8) * 8; // padded with spaces, so that the buffer is aligned
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new CheckpointError(`Expected at most ${MAX_HEADER_BYTES} bytes of names and metadata, got ${headerBytes}.`);
  }
  const file = new ArrayBuffer(8 + headerBytes + offset);
  const bytes = new Uint8Array(file);
  new DataView(file).setBigUint64(0, BigInt(headerBytes), true);
  bytes.set(json, 8);
  bytes.fill(0x20, 8 + json.length, 8 + headerBytes);
  const view = new DataView(file, 8 + headerBytes);
  let at = 0;
  for (const [name, { values }] of tensors) {
    for (const value of values) {
      const bits = type === 'F16' ? halfBits(value) : 0;
      if (!Number.isFinite(value) || (type === 'F16' && (bits & 0x7c00) === 0x7c00)) {
        throw new CheckpointError(
          `Expected finite weights in ${name}, got ${value}.`,
          'Go back to an earlier checkpoint.',
        );
      }
      if (type === 'F16') view.setUint16(at, bits, true);
      else view.setFloat32(at, value, true);
      at += width;
    }
  }
  return file;
}

/**
 * Reads F32, F16 and BF16 tensors as float32.
 * @throws CheckpointError that says what was expected and what came
 */
export function readSafetensors(file: ArrayBuffer): SafetensorsFile {
  if (file.byteLength < 8) throw new CheckpointError(`Expected a safetensors file, got ${file.byteLength} bytes.`);
  const headerBytes = Number(new DataView(file).getBigUint64(0, true));
  if (headerBytes > MAX_HEADER_BYTES || headerBytes + 8 > file.byteLength) {
    throw new CheckpointError(
      `Expected a safetensors header inside ${file.byteLength} bytes, got one of ${headerBytes} bytes. The file is cut short or of another kind.`,
    );
  }
  const header = parseHeader(new Uint8Array(file, 8, headerBytes));
  const body = file.slice(8 + headerBytes);
  const tensors = new Map<string, StoredTensor>();
  let expectedStart = 0;
  // By where they begin, then by where they end: an empty tensor begins where the next one does.
  const entries = Object.entries(header.tensors).sort(
    ([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1],
  );
  for (const [
    name,
    {
      dtype,
      shape,
      data_offsets: [begin, end],
    },
  ] of entries) {
    const width = Object.hasOwn(BYTES, dtype) ? BYTES[dtype] : undefined;
    if (width === undefined) throw new CheckpointError(`Expected F32, F16 or BF16 weights, got ${dtype} in ${name}.`);
    const size = shape.reduce((product, dim) => product * dim, 1);
    if (begin !== expectedStart || end - begin !== size * width || end > body.byteLength) {
      throw new CheckpointError(
        `Expected ${name} of shape [${shape.join(', ')}] to take ${size * width} bytes from ${expectedStart}, got ${begin} to ${end} of ${body.byteLength}.`,
      );
    }
    expectedStart = end;
    tensors.set(name, { shape, values: decode(body, begin, size, dtype) });
  }
  if (expectedStart !== body.byteLength) {
    throw new CheckpointError(`Expected ${expectedStart} bytes of weights, got ${body.byteLength}.`);
  }
  return { tensors, metadata: header.metadata };
}

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

function parseHeader(bytes: Uint8Array): { tensors: Record<string, HeaderEntry>; metadata: Record<string, string> } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new CheckpointError('Expected a JSON header, got something else. This is not a safetensors file.');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new CheckpointError('Expected the header to be a JSON object, got something else.');
  }
  const tensors: Record<string, HeaderEntry> = Object.create(null) as Record<string, HeaderEntry>;
  const metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(parsed as Record<string, unknown>)) {
    if (name === '__proto__') throw new CheckpointError('Expected names of weights, got "__proto__".');
    if (name === '__metadata__') {
      for (const [key, value] of Object.entries((entry ?? {}) as Record<string, unknown>)) {
        if (typeof value === 'string' && key !== '__proto__') metadata[key] = value;
      }
    } else if (isHeaderEntry(entry)) {
      tensors[name] = entry;
    } else {
      throw new CheckpointError(
        `Expected dtype, shape and data_offsets for ${name}, got ${JSON.stringify(entry)?.slice(0, 80)}.`,
      );
    }
  }
  return { tensors, metadata };
}

function isHeaderEntry(entry: unknown): entry is HeaderEntry {
  if (typeof entry !== 'object' || entry === null) return false;
  const { dtype, shape, data_offsets: offsets } = entry as Partial<HeaderEntry>;
  const sizes = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((size) => Number.isSafeInteger(size) && size >= 0);
  return typeof dtype === 'string' && sizes(shape) && sizes(offsets) && offsets.length === 2;
}

function decode(body: ArrayBuffer, begin: number, size: number, dtype: string): Float32Array {
  const view = new DataView(body, begin);
  switch (dtype) {
    case 'F16':
      return Float32Array.from({ length: size }, (_, i) => halfValue(view.getUint16(2 * i, true)));
    case 'BF16': {
      const bits = Uint32Array.from({ length: size }, (_, i) => view.getUint16(2 * i, true) << 16);
      return new Float32Array(bits.buffer);
    }
    default:
      return Float32Array.from({ length: size }, (_, i) => view.getFloat32(4 * i, true));
  }
}

const scratch = new DataView(new ArrayBuffer(4));

/** IEEE 754 binary16 bits of a number, rounded to nearest even. */
export function halfBits(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 127 + 15;
  const fraction = bits & 0x7fffff;
  if (exponent >= 0x1f) return sign | (exponent === 0xff - 127 + 15 && fraction ? 0x7e00 : 0x7c00);
  if (exponent <= 0) {
    if (exponent < -10) return sign;
    // Subnormal: the hidden bit becomes part of the fraction and moves right.
    return sign | roundShift(fraction | 0x800000, 14 - exponent);
  }
  return sign | roundShift((exponent << 23) | fraction, 13);
}

function roundShift(bits: number, by: number): number {
  const kept = Math.floor(bits / 2 ** by);
  const rest = bits - kept * 2 ** by;
  const half = 2 ** (by - 1);
  return kept + (rest > half || (rest === half && kept % 2 === 1) ? 1 : 0);
}

/** The number that 16 bits of IEEE 754 binary16 stand for. */
export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
