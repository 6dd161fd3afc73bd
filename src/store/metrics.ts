/** The metrics of runs, as columns in chunks: a long run is many small records, and only its last one is rewritten. */
import type { MetricValues } from '../session/protocol';
import type { RecordDatabase } from './database';
import type { MetricChunkRecord } from './schema';

export const ROWS_PER_CHUNK = 128;

/** Rows wait at most this long for the disk. */
const DELAY_MILLISECONDS = 350;

export interface MetricRow {
  step: number;
  values: MetricValues;
}

export class Metrics {
  readonly #database: RecordDatabase;
  /** The chunk of each run that is being filled. */
  readonly #open = new Map<string, Promise<MetricChunkRecord>>();
  readonly #changed = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #appended: Promise<void> = Promise.resolve();

  constructor(database: RecordDatabase) {
    this.#database = database;
  }

  /** Adds a row; it is written within a third of a second, together with those that come meanwhile. */
  append(runId: string, step: number, values: MetricValues): void {
    const row = { step, values: { ...values } };
    this.#appended = this.#appended.then(() => this.#append(runId, row));
    this.#timer ??= setTimeout(() => void this.flush(), DELAY_MILLISECONDS);
  }

  /** Writes what is waiting. */
  async flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#appended;
    const runIds = [...this.#changed];
    this.#changed.clear();
    for (const runId of runIds) {
      const chunk = await this.#open.get(runId);
      if (chunk) await this.#database.write([{ type: 'put', kind: 'metrics', record: chunk }], 'relaxed');
    }
  }

  /** Starts every run anew, after what was stored is gone. */
  forget(): void {
    this.#open.clear();
    this.#changed.clear();
  }

  /**
   * All rows of a run in the order in which they came. Where a run went back to earlier weights, steps repeat: the
   * later row counts.
   */
  async load(runId: string): Promise<MetricRow[]> {
    await this.flush();
    const chunks = await this.#database.getAll('metrics', runId);
    return chunks.flatMap(rowsOf);
  }

  async #append(runId: string, row: MetricRow): Promise<void> {
    let chunk = await this.#openChunk(runId);
    if (chunk.steps.length >= ROWS_PER_CHUNK) {
      await this.#database.write([{ type: 'put', kind: 'metrics', record: chunk }], 'relaxed');
      chunk = { runId, chunk: chunk.chunk + 1, steps: [], columns: {} };
      this.#open.set(runId, Promise.resolve(chunk));
    }
    addRow(chunk, row);
    this.#changed.add(runId);
  }

  #openChunk(runId: string): Promise<MetricChunkRecord> {
    let chunk = this.#open.get(runId);
    if (!chunk) {
      const first: MetricChunkRecord = { runId, chunk: 0, steps: [], columns: {} };
      // A run that is continued goes on in its last chunk.
      chunk = this.#database.getAll('metrics', runId).then((stored) => stored.at(-1) ?? first);
      this.#open.set(runId, chunk);
    }
    return chunk;
  }
}

function addRow(chunk: MetricChunkRecord, { step, values }: MetricRow): void {
  const before = chunk.steps.length;
  chunk.steps.push(step);
  for (const [key, value] of Object.entries(values)) {
    const column = (chunk.columns[key] ??= new Array<number | null>(before).fill(null));
    column.push(Number.isFinite(value) ? value : null);
  }
  for (const column of Object.values(chunk.columns)) if (column.length === before) column.push(null);
}

function rowsOf(chunk: MetricChunkRecord): MetricRow[] {
  const columns = Object.entries(chunk.columns);
  return chunk.steps.map((step, row) => {
    const values: MetricValues = {};
    for (const [key, column] of columns) {
      const value = column[row];
      if (typeof value === 'number') values[key] = value;
    }
    return { step, values };
  });
}
