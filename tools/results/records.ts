/** What every stored result says beside its numbers, so that it can be judged and made again. */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

/** Where and how a result was made. */
export interface Made {
  /** What it was computed on, in words. */
  adapter: string;
  backend: string;
  processor: string;
  node: string;
  /** The commit of the code; "unknown" outside of a repository. */
  commit: string;
  seconds: number;
  /** Tiny sizes, to see whether the command works: the numbers mean nothing. */
  quick: boolean;
}

export function madeHere(device: { adapter: string; backend: string }, seconds: number, quick: boolean): Made {
  return {
    adapter: device.adapter,
    backend: device.backend,
    processor: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    commit: commitHere(),
    seconds: Math.round(seconds),
    quick,
  };
}

function commitHere(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'unknown';
  }
}

/** Numbers as they are stored: enough digits for every table, and short lines. */
export const stored = (record: unknown): string =>
  `${JSON.stringify(record, (_, value: unknown) => (typeof value === 'number' ? rounded(value) : value), 1)}\n`;

const rounded = (value: number): number | null =>
  Number.isFinite(value) ? (Number.isInteger(value) ? value : Number(value.toPrecision(6))) : null;
