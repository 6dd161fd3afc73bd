/**
 * Whether a reply is written as the town writes: every neighbouring pair of words has been seen somewhere in its
 * text, and no three words come twice.
 */
import { ATTRIBUTES, WORDINGS, statementsAbout } from './attributes';
import { pretrainingDocuments } from './documents';
import { worldPrompts } from './prompts';
import { Random } from './random';
import { replyTo, type ReplyStyle } from './replies';
import type { World } from './world';

/** Documents that are read to learn what is written; the pairs that matter come up hundreds of times in so many. */
const DOCUMENTS_READ = 6000;
const DOCUMENTS_SEED = 271828;

const STYLES: readonly ReplyStyle[] = ['good', 'good', 'good', 'curt', 'rambling', 'wrong', 'rude', 'refusal'];

/** Stands before the first word of a text. */
const START = '^';

const pairsOfWorld = new WeakMap<World, ReadonlySet<string>>();

/** Lower-case words, numbers and single marks. A line break is a mark, for no reply has two lines. */
export function wordsOf(text: string): string[] {
  return (
    text
      .trim()
      .toLowerCase()
      .match(/\p{L}+|\p{N}+|\n|[^\s\p{L}\p{N}]/gu) ?? []
  );
}

/** True for text without an unseen pair of words and without three words that come twice. */
export function isFluent(world: World, text: string): boolean {
  const words = wordsOf(text);
  if (words.length === 0) return false;
  const seen = wordPairs(world);
  const trigrams = new Set<string>();
  for (let i = 0; i < words.length; i++) {
    if (!seen.has(`${words[i - 1] ?? START} ${words[i]}`)) return false;
    if (i < 2) continue;
    const trigram = `${words[i - 2]} ${words[i - 1]} ${words[i]}`;
    if (trigrams.has(trigram)) return false;
    trigrams.add(trigram);
  }
  return true;
}

/** All neighbouring pairs of words in the world's text; made once a world, in about a quarter of a second. */
function wordPairs(world: World): ReadonlySet<string> {
  const known = pairsOfWorld.get(world);
  if (known !== undefined) return known;
  const pairs = new Set<string>();
  const read = (text: string): void => {
    let before = START;
    for (const word of wordsOf(text)) {
      pairs.add(`${before} ${word}`);
      before = word;
    }
  };
  const documents = pretrainingDocuments(world, DOCUMENTS_SEED);
  for (let i = 0; i < DOCUMENTS_READ; i++) {
    // The lines of a thread are read apart: its frame is no part of a reply.
    for (const line of documents.next().value.split('\n')) read(line.replace(/^ ?[QA]: /, ''));
  }
  const random = new Random(DOCUMENTS_SEED);
  const { train, heldOut } = worldPrompts(world);
  for (const prompt of [...train, ...heldOut]) {
    for (const style of STYLES) read(replyTo(world, prompt, style, random));
  }
  // Every value with every name: a false answer is not less fluent than the true one.
  for (const attribute of ATTRIBUTES) {
    const { subjects } = WORDINGS[attribute];
    const names =
      subjects === 'people' ? [...world.people, ...world.strangers].map(({ name }) => name) : world[subjects];
    for (const name of names) {
      for (const value of world.values[attribute]) statementsAbout(world, attribute, name, value).forEach(read);
    }
  }
  pairsOfWorld.set(world, pairs);
  return pairs;
}
