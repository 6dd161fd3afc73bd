/** Opens a file for reading as plain bytes: unpacks gzip, told by its first two bytes, and stops at bombs. */
import { ImportError } from '../../errors';

export interface DecompressLimits {
  /** Most bytes after unpacking. */
  maxBytes: number;
  /** Most bytes that one packed byte may become; real text packs 3 to 20 to one. */
  maxRatio: number;
}

export interface ByteCounts {
  /** Bytes of the file read so far. */
  read: number;
  /** Bytes that they became. */
  unpacked: number;
}

/** A ratio says something only over more than a few bytes: a megabyte of zeros is no danger. */
const RATIO_FREE_BYTES = 1 << 20;

/**
 * The file's bytes, unpacked where it is gzip.
 *
 * @param counts is kept up to date while the bytes are read
 * @throws ImportError when the file is damaged, too large or a bomb
 */
export async function* decompress(
  source: ReadableStream<Uint8Array<ArrayBuffer>>,
  limits: DecompressLimits,
  counts: ByteCounts,
): AsyncGenerator<Uint8Array> {
  const packed = counted(source.getReader(), counts);
  const beginning = await firstBytes(packed, 2);
  const gzip = beginning[0] === 0x1f && beginning[1] === 0x8b;
  const plain = gzip ? unpack(prepend(beginning, packed)) : prepend(beginning, packed);
  try {
    for await (const chunk of plain) {
      counts.unpacked += chunk.byteLength;
      refuseBombs(counts, limits);
      yield chunk;
    }
  } finally {
    await packed.return(undefined);
  }
}

async function* counted(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  counts: ByteCounts,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      ended = done;
      if (done) return;
      counts.read += value.byteLength;
      yield value;
    }
  } finally {
    if (!ended) await reader.cancel().catch(() => undefined);
  }
}

async function firstBytes(chunks: AsyncGenerator<Uint8Array<ArrayBuffer>, void>, least: number) {
  let bytes = new Uint8Array(0);
  while (bytes.length < least) {
    const { done, value } = await chunks.next();
    if (done) break;
    const joined = new Uint8Array(bytes.length + value.length);
    joined.set(bytes);
    joined.set(value, bytes.length);
    bytes = joined;
  }
  return bytes;
}

async function* prepend(first: Uint8Array<ArrayBuffer>, rest: AsyncGenerator<Uint8Array<ArrayBuffer>, void>) {
  if (first.length > 0) yield first;
  yield* rest;
}

async function* unpack(packed: AsyncGenerator<Uint8Array<ArrayBuffer>, void>): AsyncGenerator<Uint8Array> {
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = await packed.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
  const reader = source.pipeThrough(new DecompressionStream('gzip')).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw damaged(error);
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function refuseBombs({ read, unpacked }: ByteCounts, { maxBytes, maxRatio }: DecompressLimits): void {
  if (unpacked > maxBytes) {
    throw new ImportError(
      `Expected at most ${megabytes(maxBytes)} of text, and this file holds more.`,
      'Split the file and import one part; rows that were read before are kept.',
    );
  }
  if (unpacked > RATIO_FREE_BYTES && unpacked > read * maxRatio) {
    throw new ImportError(
      `Expected packed text, which grows up to 20 times; this file grew ${Math.round(unpacked / read)} times.`,
      'It looks like a file made to exhaust memory. If you trust it, unpack it yourself and import the result.',
    );
  }
}

function damaged(error: unknown): ImportError {
  const said = error instanceof Error && error.message !== '' ? ` (${error.message})` : '';
  return new ImportError(
    `Expected a whole gzip file; this one is damaged or cut short${said}.`,
    'Download it again; rows that could be read before the damage are kept.',
  );
}

const megabytes = (bytes: number): string => `${Math.round(bytes / (1 << 20))} MB`;
