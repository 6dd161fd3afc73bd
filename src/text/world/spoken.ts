/**
 * A text as the judges hear it: its words, numbers, sentences and the names in it.
 */
import type { World } from './world';

const WORD = /\p{Script=Han}|(?:(?!\p{Script=Han})\p{L})+|\p{N}+|\n|[^\s\p{L}\p{N}]/gu;
const SPOKEN = /[\p{L}\p{N}]/u;

/** Words, numbers and single marks as written; a Chinese character is a word. A line break is a mark. */
export function marksOf(text: string): string[] {
  return text.trim().match(WORD) ?? [];
}

/** The same in lower case. */
export function wordsOf(text: string): string[] {
  return marksOf(text.trim().toLowerCase());
}

export interface Spoken {
  text: string;
  /** Lower-case words and numbers, without marks. */
  words: readonly string[];
  numbers: readonly number[];
  sentences: readonly string[];
  /** Whether the words of a phrase are said, one after another. */
  says: (phrase: string) => boolean;
  saysAny: (phrases: readonly string[]) => boolean;
  /** How often they are said. */
  count: (phrase: string) => number;
}

export function listen(text: string): Spoken {
  const words = wordsOf(text).filter((word) => SPOKEN.test(word));
  const said = ` ${words.join(' ')} `;
  const count = (phrase: string): number => {
    const sought = plain(phrase);
    return sought === '' ? 0 : said.split(` ${sought} `).length - 1;
  };
  const says = (phrase: string): boolean => count(phrase) > 0;
  return {
    text,
    words,
    numbers: words.filter((word) => /^\p{N}+$/u.test(word)).map(Number),
    sentences: text.split(/(?<=[.!?。！？])\s*/u).filter((sentence) => SPOKEN.test(sentence)),
    says,
    saysAny: (phrases) => phrases.some(says),
    count,
  };
}

/** The words of a phrase in lower case, one space between. */
function plain(phrase: string): string {
  return wordsOf(phrase)
    .filter((word) => SPOKEN.test(word))
    .join(' ');
}

/** A name without its article: "Star" of "the Star". */
export const bareName = (name: string): string => name.slice(name.lastIndexOf(' ') + 1);

const namesOfWorld = new WeakMap<World, RegExp>();

/** Names of people, animals, shops and boats in a text, strangers and visitors included, without articles. */
export function namesIn(world: World, text: string): string[] {
  let pattern = namesOfWorld.get(world);
  if (pattern === undefined) {
    const named = [...world.subjects.filter(({ kind }) => kind !== 'day'), ...world.strangers].map(({ name }) => name);
    const bare = [
      ...new Set([...named, ...world.language.names.visitors, ...world.language.names.newcomers].map(bareName)),
    ];
    const word = bare.filter((name) => !/\p{Script=Han}/u.test(name)).join('|');
    const han = bare.filter((name) => /\p{Script=Han}/u.test(name)).join('|');
    pattern = new RegExp([word && `(?<!\\p{L})(?:${word})(?!\\p{L})`, han].filter(Boolean).join('|'), 'gu');
    namesOfWorld.set(world, pattern);
  }
  return text.match(pattern) ?? [];
}
