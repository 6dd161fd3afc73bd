/**
 * Reads Anthropic's HH-RLHF format: one JSON object a line, {"chosen": text, "rejected": text}, plain or gzip.
 *
 *   "\n\nHuman: Hi\n\nAssistant: Hello!\n\nHuman: ...\n\nAssistant: reply"
 *
 * Both texts begin alike. What they share, cut back to its last "\n\nAssistant: ", is the conversation; the rest of
 * each is its reply, further turns included, because that is what was judged. TRL's splitter does the same.
 */
import { CancelledError, ImportError } from '../../errors';
import type { Message, Ranking } from '../../session/protocol';
import { decompress } from './decompress';
import type { ByteCounts, DecompressLimits } from './decompress';
import { lines } from './lines';
import type { Line } from './lines';

const HUMAN = '\n\nHuman: ';
const ASSISTANT = '\n\nAssistant: ';

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
export async function* readHhRlhf(
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
        `Expected at most ${limits.maxRows} pairs, and this file holds more.`,
        'Split the file and import one part; rows that were read before are kept.',
      );
    }
    if (good === 0) continue;
    yield { rankings, badRows: heldBack, progress: { rows, bytes: counts.read, totalBytes } };
    heldBack = [];
  }
  if (good === 0) throw wrongKind(firstLine, heldBack);
}

/** One line as a ranking of two replies, the chosen one first. */
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
  const pair = pairOf(value);
  if (typeof pair === 'string') return { row, reason: pair };
  const split = splitPair(pair.chosen, pair.rejected);
  if (typeof split === 'string') return { row, reason: split };
  return { id: `import:${name}:${row}`, ...split, ranks: [1, 2], labeler: 'import' };
}

/** The two texts, or what is wrong. Reads own properties only and copies nothing else. */
function pairOf(value: unknown): { chosen: string; rejected: string } | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `expected a JSON object with "chosen" and "rejected", got ${kindOf(value)}.`;
  }
  const texts: string[] = [];
  for (const key of ['chosen', 'rejected']) {
    const text: unknown = Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
    if (text === undefined)
      return `expected "${key}", got the keys ${Object.keys(value).slice(0, 8).join(', ') || '(none)'}.`;
    if (typeof text !== 'string') return `expected "${key}" to be text, got ${kindOf(text)}.`;
    texts.push(text);
  }
  const [chosen = '', rejected = ''] = texts;
  return { chosen, rejected };
}

/**
 * Cuts two transcripts into the conversation that they share and their two replies.
 *
 * @returns what is wrong, as a sentence, where they cannot be cut
 */
export function splitPair(chosen: string, rejected: string): Pick<Ranking, 'conversation' | 'replies'> | string {
  for (const [key, text] of Object.entries({ chosen, rejected })) {
    if (!text.startsWith(HUMAN)) return `expected "${key}" to begin with "\\n\\nHuman: ", got ${excerpt(text)}.`;
    if (!text.includes(ASSISTANT)) return `expected "${key}" to have a turn "\\n\\nAssistant: ", found none.`;
  }
  const cut = chosen.slice(0, sharedLength(chosen, rejected)).lastIndexOf(ASSISTANT);
  if (cut < 0) return 'expected "chosen" and "rejected" to answer the same prompt, but their prompts differ.';
  const replies = [chosen, rejected].map((text) => text.slice(cut + ASSISTANT.length).trim());
  if (replies[0] === replies[1]) return 'expected two different replies, got the same one twice.';
  const conversation = splitTurns(chosen.slice(0, cut));
  if (conversation.at(-1)?.role !== 'user') return 'expected a Human turn before the replies, got an Assistant turn.';
  return { conversation, replies };
}

/** Turns of one transcript; neighbours of the same role become one message. */
function splitTurns(transcript: string): Message[] {
  const messages: Message[] = [];
  const [, ...pieces] = transcript.split(/\n\n(Human|Assistant): /);
  for (let i = 0; i + 1 < pieces.length; i += 2) {
    const role = pieces[i] === 'Human' ? 'user' : 'assistant';
    const text = (pieces[i + 1] ?? '').trim();
    const last = messages.at(-1);
    if (last?.role === role) last.text = `${last.text}\n\n${text}`.trim();
    else messages.push({ role, text });
  }
  return messages;
}

function sharedLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}

function wrongKind(firstLine: string | null, badRows: readonly BadRow[]): ImportError {
  const expected = 'Expected one JSON object a line with "chosen" and "rejected" (.jsonl or .jsonl.gz)';
  const remedy = 'Choose a file in the HH-RLHF format; nothing was changed.';
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

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

/** The beginning of a text, in quotes, with line ends visible. */
function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
