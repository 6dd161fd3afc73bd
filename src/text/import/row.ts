/** What the readers of rows share: what a good row becomes, and words for what a bad one holds. */
import type { Ranking } from '../../session/protocol';

/** A ranking as a row of a file says it. */
export type Judged = Pick<Ranking, 'conversation' | 'replies' | 'ranks' | 'thumbs' | 'gaps'>;

/** What a value is, for a sentence. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

/** The beginning of a text, in quotes, with line ends visible. */
export function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
