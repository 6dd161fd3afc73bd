/** The metrics of one run as columns, appended in place: the charts read the columns, `version` says when to look. */
import type { MetricValues } from '../session/protocol';
import { oncePerFrame } from './frames';

export class MetricHistory {
  /** Rises at most once a frame after something was appended. */
  version = $state(0);
  /** Steps, ascending, no step twice. */
  readonly steps: number[] = [];
  readonly #columns = new Map<string, (number | null)[]>();
  readonly #changed = oncePerFrame(() => this.version++);

  get length(): number {
    return this.steps.length;
  }

  get keys(): string[] {
    return [...this.#columns.keys()];
  }

  /** Values of one metric, one a step, null where it was not reported; an empty column for an unknown key. */
  column(key: string): (number | null)[] {
    return this.#columns.get(key) ?? this.steps.map(() => null);
  }

  /** The newest value that was reported: some metrics are not measured at every step. */
  last(key: string): number | null {
    return this.#columns.get(key)?.findLast((value) => value !== null) ?? null;
  }

  /** 0 before the first. */
  get step(): number {
    return this.steps.at(-1) ?? 0;
  }

  /** Adds the values of one step; a step that is not after the last (a run that went back) replaces what came after. */
  append(step: number, values: MetricValues): void {
    while (this.steps.length > 0 && (this.steps.at(-1) ?? -1) >= step) {
      this.steps.pop();
      for (const column of this.#columns.values()) column.pop();
    }
    const before = this.steps.length;
    this.steps.push(step);
    for (const [key, value] of Object.entries(values)) {
      let column = this.#columns.get(key);
      if (!column) {
        column = new Array<number | null>(before).fill(null);
        this.#columns.set(key, column);
      }
      column.push(Number.isFinite(value) ? value : null);
    }
    for (const column of this.#columns.values()) if (column.length === before) column.push(null);
    this.#changed();
  }

  /** The largest finite value of a metric over the run, or null. */
  max(key: string): number | null {
    let largest: number | null = null;
    for (const value of this.#columns.get(key) ?? []) {
      if (value !== null && (largest === null || value > largest)) largest = value;
    }
    return largest;
  }
}
