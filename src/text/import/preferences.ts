/**
 * Reads what people prefer from a file: one JSON object a line, plain or gzip, in HH-RLHF's format or in one of TRL's,
 * told by the keys of each row.
 */
import { CancelledError, ImportError } from '../../errors';
import type { Ranking } from '../../session/protocol';
import { decompress } from './decompress';
import type { ByteCounts, DecompressLimits } from './decompress';
import { readHhRow } from './hhRlhf';
import { lines } from './lines';
import type { Line } from './lines';
import { excerpt } from './row';
import { isTrlRow, readTrlRow } from './trl';

/** After this many rows without a single good one the file is of another kind. */
const HOPELESS_ROWS = 100;

/** ZIP, Parquet, PDF: they begin with text. */
const BINARY_BEGINNINGS = ['PK', 'PAR1', '%PDF'];

export interface BadRow {
  /** Line of the file, from 1. */
  row: number;
  /** What was expected and what came. */
  reason: string;
}

export interface ImportLimits extends DecompressLimits {
  /** Most bytes in one line. */
  maxLineBytes: number;
  /** Most good rows. */
  maxRows: number;
}

export const IMPORT_LIMITS: ImportLimits = {
  maxBytes: 512 << 20,
  maxRatio: 100,
  maxLineBytes: 1 << 20,
  maxRows: 200_000,
};

export interface ImportOptions {
  /** Name of the file; with the row's number it makes the id of a ranking, so importing twice doubles nothing. */
  name: string;
  signal?: AbortSignal;
  limits?: Partial<ImportLimits>;
}

/** What was read since the last batch. */
export interface ImportBatch {
  rankings: Ranking[];
  badRows: BadRow[];
  /** Of the whole file so far. */
  progress: {
    rows: number;
    bytes: number;
    /** null for a stream, whose size is not known. */
    totalBytes: number | null;
  };
}

/**
 * Yields the rankings of a file as they are read, with every row that is not one and why.
 *
 * @throws ImportError when the file is of another kind, damaged, or larger than the limits; what was yielded is good
 * @throws CancelledError when the signal says so
 */
export async function* readPreferences(
  source: Blob | ReadableStream<Uint8Array<ArrayBuffer>>,
  { name, signal, limits: own = {} }: ImportOptions,
): AsyncGenerator<ImportBatch, void> {
  const limits = { ...IMPORT_LIMITS, ...own };
  const counts: ByteCounts = { read: 0, unpacked: 0 };
  const stream = source instanceof Blob ? source.stream() : source;
  const totalBytes = source instanceof Blob ? source.size : null;

  let firstLine: string | null = null;
  let rows = 0;
  let good = 0;
  /** Bad rows are held back until one good row shows that the file is of the right kind. */
  let heldBack: BadRow[] = [];
  for await (const batch of lines(decompress(stream, limits, counts), limits.maxLineBytes)) {
    if (signal?.aborted) throw new CancelledError('The import');
    const rankings: Ranking[] = [];
    for (const line of batch) {
      rows = line.row;
      if ('text' in line && line.text.trim() === '') continue;
      firstLine ??= 'text' in line ? line.text : `(${line.fault})`;
      const outcome = readRow(line, name);
      if ('reason' in outcome) heldBack.push(outcome);
      else rankings.push(outcome);
      if (good === 0 && rankings.length === 0 && heldBack.length >= HOPELESS_ROWS) throw wrongKind(firstLine, heldBack);
    }
    good += rankings.length;
    if (good > limits.maxRows) {
      throw new ImportError(
        `Expected at most ${limits.maxRows} pairs or thumbs, and this file holds more.`,
        'Split the file and import one part; rows that were read before are kept.',
      );
    }
    if (good === 0) continue;
    yield { rankings, badRows: heldBack, progress: { rows, bytes: counts.read, totalBytes } };
    heldBack = [];
  }
  if (good === 0) throw wrongKind(firstLine, heldBack);
}

/** One line as a ranking, or why it is none. */
function readRow(line: Line, name: string): Ranking | BadRow {
  const { row } = line;
  if ('fault' in line) return { row, reason: `${line.fault}.` };
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch (error) {
    return {
      row,
      reason: `expected one JSON object, got something else: ${error instanceof Error ? error.message : ''}`,
    };
  }
  const judged = isTrlRow(value) ? readTrlRow(value) : readHhRow(value);
  if (typeof judged === 'string') return { row, reason: judged };
  return { id: `import:${name}:${row}`, ...judged, labeler: 'import' };
}

function wrongKind(firstLine: string | null, badRows: readonly BadRow[]): ImportError {
  const expected =
    'Expected one JSON object a line with "chosen" and "rejected", or with "completion" and "label" (.jsonl or .jsonl.gz)';
  const remedy = 'Choose a file in the format of HH-RLHF or TRL; nothing was changed.';
  if (firstLine === null) return new ImportError(`${expected}; the file is empty.`, remedy);
  const start = firstLine.trimStart();
  if (BINARY_BEGINNINGS.some((magic) => start.startsWith(magic)) || !isText(badRows, start)) {
    return new ImportError(`${expected}; this is a binary file.`, remedy);
  }
  if (start.startsWith('[')) {
    const convert = 'Convert it, for instance with: jq -c ".[]" file.json > file.jsonl';
    return new ImportError(`${expected}; this is one JSON array.`, convert);
  }
  if (!start.startsWith('{')) {
    const csv = start.includes(',') || start.includes('\t') ? 'a table (CSV or TSV) or plain text' : 'plain text';
    return new ImportError(`${expected}; this looks like ${csv}: ${excerpt(start)}.`, remedy);
  }
  const first = badRows[0];
  return new ImportError(
    `${expected}; no row is one. Row ${first?.row ?? 1}: ${first?.reason ?? 'it is not one.'}`,
    remedy,
  );
}

function isText(badRows: readonly BadRow[], start: string): boolean {
  return !start.includes('\0') && badRows[0]?.reason.includes('UTF-8') !== true;
}
