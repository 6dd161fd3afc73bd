/** Slips of hurried fingers in what people type. */
import type { Random } from './random';

/** The text with a slip: one word misspelled where the table has any of them, and the closing mark left out. */
export function withTypo(text: string, table: Readonly<Record<string, string>>, random: Random): string {
  const words = text.split(' ');
  const slips = words.flatMap((word, i) => (table[word] === undefined ? [] : [i]));
  if (slips.length > 0) {
    const at = random.pick(slips);
    words[at] = table[words[at] ?? ''] ?? '';
  }
  return words.join(' ').replace(/[.?]$/, '');
}
