/**
 * Byte-pair encoding, learned from text (Sennrich et al. 2016): join the commonest neighbouring pair, again and again.
 *
 * The corpora here have a few thousand distinct words, so every round counts all pairs anew; that keeps the
 * algorithm in plain sight and costs well under a second.
 */
import { bytesToCharacters, splitWords, utf8Bytes } from './byteLevel';

/** Two tokens that become one, written in the byte characters of `byteLevel.ts`. */
export type Merge = readonly [left: string, right: string];

interface CountedWord {
  symbols: string[];
  count: number;
}

/** NUL never appears in byte characters, so it can separate the two halves of a key. */
const SEPARATOR = '\0';

/** What a tokenizer learns from text, in byte characters. */
export interface LearnedTokens {
  /** In order of learning. */
  merges: Merge[];
  /** Every token that is not a single byte, without repeats: what the merges spell, then words that none spells. */
  tokens: string[];
}

/** Share of the new tokens that may be whole words at once; the rest are for pieces of words that it never met. */
const WHOLE_WORDS_SHARE = 7 / 8;

/**
 * Learns merges, the most frequent pair first. Ties go to the pair that sorts first by code units, so that the same
 * texts in any order always give the same merges.
 *
 * The commonest words get a token of their own, whether or not the merges come to spell them. In a small vocabulary
 * merges alone spend half of the tokens on steps towards words ("ha" and "hap" on the way to "happy"), and leave the
 * words that a model has to know in pieces; Lian et al. 2024 call it scaffolding. A vocabulary that is large enough
 * for all words is as without this rule.
 *
 * @param texts the corpus
 * @param count new tokens wanted; fewer come when every word has become one token. Two merges can spell the same
 * token ("ab" + "c", "a" + "bc"), so there may be more merges than tokens.
 */
export function learnTokens(texts: Iterable<string>, count: number): LearnedTokens {
  const words = countWords(texts);
  const whole = new Set(commonestWords(words, Math.floor(count * WHOLE_WORDS_SHARE)));
  const merges: Merge[] = [];
  const spelled = new Set<string>();
  const unspelled = new Set(whole);
  while (spelled.size + unspelled.size < count) {
    const best = commonestPair(words);
    if (best === null) break;
    const token = best[0] + best[1];
    merges.push(best);
    spelled.add(token);
    unspelled.delete(token);
    for (const word of words) joinPair(word.symbols, best);
  }
  return { merges, tokens: [...spelled, ...unspelled] };
}

/** The words of at least two bytes that come most often, those that sort first among equals. */
function commonestWords(words: readonly CountedWord[], most: number): string[] {
  return words
    .filter(({ symbols }) => symbols.length > 1)
    .map(({ symbols, count }) => ({ word: symbols.join(''), count }))
    .sort((a, b) => b.count - a.count || (a.word < b.word ? -1 : 1))
    .slice(0, most)
    .map(({ word }) => word);
}

function countWords(texts: Iterable<string>): CountedWord[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const word of splitWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => ({ symbols: [...bytesToCharacters(utf8Bytes(word))], count }));
}

function commonestPair(words: readonly CountedWord[]): Merge | null {
  const counts = new Map<string, number>();
  for (const { symbols, count } of words) {
    for (let i = 0; i + 1 < symbols.length; i++) {
      const key = `${symbols[i]}${SEPARATOR}${symbols[i + 1]}`;
      counts.set(key, (counts.get(key) ?? 0) + count);
    }
  }
  let best: string | null = null;
  let bestCount = 0;
  for (const [key, count] of counts) {
    if (count > bestCount || (count === bestCount && best !== null && key < best)) {
      best = key;
      bestCount = count;
    }
  }
  if (best === null) return null;
  const [left = '', right = ''] = best.split(SEPARATOR);
  return [left, right];
}

/** Joins every occurrence of the pair in place, from the left. */
export function joinPair(symbols: string[], [left, right]: Merge): void {
  let write = 0;
  for (let read = 0; read < symbols.length; read++) {
    const symbol = symbols[read] ?? '';
    if (symbol === left && symbols[read + 1] === right) {
      symbols[write++] = left + right;
      read++;
    } else {
      symbols[write++] = symbol;
    }
  }
  symbols.length = write;
}
