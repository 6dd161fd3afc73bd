/**
 * Whether a reply is written as the town writes: every neighbouring pair of words has been seen somewhere in its
 * text, and no four words come twice.
 *
 * Names, numbers and values count as words of their class: a false answer is not less fluent than the true one.
 */
import { pretrainingDocuments } from './documents';
import { groupBy } from './grouping';
import { capital, sayAll } from './grammar';
import { worldPrompts } from './prompts';
import { Random } from './random';
import { replyTo, type ReplyStyle } from './replies';
import { bareName, marksOf } from './spoken';
import type { AttributeName, World } from './world';

/** Documents that are read to learn what is written; the pairs that matter come up many times in so many. */
const DOCUMENTS_READ = 6000;
const DOCUMENTS_SEED = 271828;

const STYLES: readonly ReplyStyle[] = ['good', 'good', 'good', 'rambling', 'wrong', 'rude', 'refusal'];

/** So many words that come again are a repetition. */
const REPEATED_WORDS = 4;

/** Stands before the first word of a sentence. */
const START = '^';

/** What the next word follows: a sentence may stand after any other. */
const after = (word: string): string => (/^[.!?。！？]+$/.test(word) ? START : word);

interface Writing {
  classes: ReadonlyMap<string, string>;
  pairs: ReadonlySet<string>;
}

const writingOfWorld = new WeakMap<World, Writing>();

/** Pairs of words that nobody writes, and sets of four words that come again; 1 for an empty text. */
export function fluencyFaults(world: World, text: string): number {
  const words = marksOf(text);
  if (words.length === 0) return 1;
  const { classes, pairs } = writingOf(world);
  const lower = words.map((word) => word.toLowerCase());
  const run = REPEATED_WORDS * world.language.wordsPerWord;
  const seen = new Set<string>();
  let before = START;
  let faults = 0;
  words.forEach((word, i) => {
    const kind = classOf(classes, word);
    if (!pairs.has(`${before} ${kind}`)) faults++;
    before = after(kind);
    if (i + 1 < run) return;
    const phrase = lower.slice(i + 1 - run, i + 1).join(' ');
    if (seen.has(phrase)) faults++;
    seen.add(phrase);
  });
  return faults;
}

export function isFluent(world: World, text: string): boolean {
  return fluencyFaults(world, text) === 0;
}

/** All neighbouring pairs of words in the world's text; made once a world, in about half a second. */
function writingOf(world: World): Writing {
  const known = writingOfWorld.get(world);
  if (known !== undefined) return known;
  const classes = wordClasses(world);
  const pairs = new Set<string>();
  const read = (text: string): void => {
    let before = START;
    for (const word of marksOf(text)) {
      const kind = classOf(classes, word);
      pairs.add(`${before} ${kind}`);
      before = after(kind);
    }
  };
  const documents = pretrainingDocuments(world, DOCUMENTS_SEED, 'town');
  for (let i = 0; i < DOCUMENTS_READ; i++) {
    const document = documents.next().value;
    // Questions are not how one replies; the other lines of a thread are read apart.
    for (const line of document.split('\n')) if (!/^ ?Q: /.test(line)) read(line.replace(/^ ?A: /, ''));
  }
  const random = new Random(DOCUMENTS_SEED);
  const { train, heldOut } = worldPrompts(world);
  for (const [prompt] of groupBy([...train, ...heldOut], ({ topic }) => topic).values()) {
    if (!prompt) continue;
    for (const style of STYLES) read(replyTo(world, prompt, style, random));
    read(`${capital(prompt.answers.curt(random))}${world.language.fullStop}`);
  }
  const { manners, prose } = world.language;
  [...manners.remarks, ...manners.rudeRemarks, ...prose.beside].forEach(read);
  const tell = (attribute: AttributeName, s: string, v: string): void =>
    sayAll(world.language.attributes[attribute].statements, { s, v }).forEach(read);
  for (const { attribute, subject, value } of world.facts) {
    tell(attribute, subject.name, value.phrase);
    if (subject.kind !== 'person') continue;
    for (const stranger of world.strangers) tell(attribute, stranger.name, value.phrase);
  }
  // In a language without classes of words, a value must have been seen with some other subject too.
  for (const [attribute, [first]] of groupBy(world.facts, (fact) => fact.attribute)) {
    if (first) for (const { phrase } of world.values[attribute]) tell(attribute, first.subject.name, phrase);
  }
  const writing = { classes, pairs };
  writingOfWorld.set(world, writing);
  return writing;
}

function classOf(classes: ReadonlyMap<string, string>, word: string): string {
  if (/^\p{N}+$/u.test(word)) return '<number>';
  const lower = word.toLowerCase();
  return classes.get(word) ?? classes.get(lower) ?? lower;
}

/** Names as they are written, keys of values in lower case. */
function wordClasses(world: World): Map<string, string> {
  const classes = new Map<string, string>();
  const { names, things, stories } = world.language;
  for (const attribute of Object.keys(world.values) as AttributeName[]) {
    if (world.language.values[attribute] === 'people') continue;
    for (const { key } of world.values[attribute]) if (!classes.has(key)) classes.set(key, `<${attribute}>`);
  }
  for (const { name, kind } of [...world.subjects, ...names.strangers]) classes.set(bareName(name), `<${kind}>`);
  for (const name of [...names.visitors, ...names.newcomers]) classes.set(name, '<person>');
  for (const thing of [...things, ...(stories?.keywords ?? [])]) classes.set(thing, '<thing>');
  return classes;
}
