/** Cuts a stream of bytes into lines of text, holding no more than one line in memory. */

export type Line =
  | { row: number; text: string }
  /** A line that cannot be had as text. */
  | { row: number; fault: string };

/** Where one line ends and the next begins; in UTF-8 no other character contains this byte. */
const NEWLINE = 0x0a;

/**
 * The lines of each chunk, together; a line that goes over several chunks comes with the one in which it ends.
 * Rows count from 1, empty ones too, as editors count them.
 *
 * @param maxBytes of one line; a longer one is skipped unread and reported
 */
export async function* lines(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Line[]> {
  let row = 1;
  let parts: Uint8Array[] = [];
  let length = 0;

  const take = (part: Uint8Array): void => {
    length += part.length;
    // What is too long is counted on, and not kept.
    if (length <= maxBytes) parts.push(part);
  };
  const finish = (): Line => {
    const line = length > maxBytes ? tooLong(row, length, maxBytes) : decode(row, parts, length);
    row++;
    parts = [];
    length = 0;
    return line;
  };

  for await (const chunk of chunks) {
    const finished: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      take(chunk.subarray(start, end));
      finished.push(finish());
      start = end + 1;
    }
    if (start < chunk.length) take(chunk.subarray(start));
    yield finished;
  }
  if (length > 0) yield [finish()];
}

function decode(row: number, parts: Uint8Array[], length: number): Line {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  try {
    // The decoder drops a byte order mark, which only the first line can have.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: row !== 1 }).decode(bytes);
    return { row, text: text.endsWith('\r') ? text.slice(0, -1) : text };
  } catch {
    return { row, fault: 'expected UTF-8 text, got bytes that are not' };
  }
}

function tooLong(row: number, length: number, maxBytes: number): Line {
  return { row, fault: `expected at most ${maxBytes} bytes in a line, got ${length}` };
}
