/** Importing preference pairs and thumbs from a file: progress, cancel, and every row that could not be read with its reason. */
import { CancelledError, toPlainError } from '../errors';
import type { PlainError } from '../errors';
import { readPreferences } from '../text/import/preferences';
import type { BadRow } from '../text/import/preferences';
import type { Labels } from './labels.svelte';

export type ImportState = 'idle' | 'reading' | 'done' | 'cancelled' | 'failed';

export class PreferenceImport {
  state = $state<ImportState>('idle');
  fileName = $state('');
  /** Rows of the file read so far, good and bad. */
  rows = $state(0);
  /** Pairs that were read and kept. */
  pairs = $state(0);
  /** Thumbs that were read and kept, each of one reply. */
  thumbs = $state(0);
  /** 0 to 1; null where the size is not known. */
  share = $state<number | null>(null);
  badRows = $state.raw<readonly BadRow[]>([]);
  error = $state.raw<PlainError | null>(null);

  readonly #labels: Labels;
  #abort: AbortController | null = null;

  constructor(labels: Labels) {
    this.#labels = labels;
  }

  cancel = (): void => this.#abort?.abort();

  /** Reads a file as a stream; what was read stays, whatever happens later. */
  async read(file: File): Promise<void> {
    if (this.state === 'reading') return;
    const abort = new AbortController();
    this.#abort = abort;
    this.state = 'reading';
    this.fileName = file.name;
    this.rows = 0;
    this.pairs = 0;
    this.thumbs = 0;
    this.share = 0;
    this.badRows = [];
    this.error = null;
    try {
      const options = { name: file.name, signal: abort.signal };
      for await (const { rankings, badRows, progress } of readPreferences(file, options)) {
        if (abort.signal.aborted) throw new CancelledError('The import');
        if (!(await this.#labels.addMany(rankings, file.name))) throw new CancelledError('The import');
        const pairs = rankings.filter(({ replies }) => replies.length > 1).length;
        this.pairs += pairs;
        this.thumbs += rankings.length - pairs;
        this.rows = progress.rows;
        this.share = progress.totalBytes === null ? null : progress.bytes / progress.totalBytes;
        if (badRows.length > 0) this.badRows = [...this.badRows, ...badRows];
      }
      this.state = 'done';
    } catch (error) {
      const plain = toPlainError(error);
      this.state = plain.code === 'cancelled' ? 'cancelled' : 'failed';
      if (this.state === 'failed') this.error = plain;
    } finally {
      this.#abort = null;
    }
  }
}
