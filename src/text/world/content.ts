/**
 * Whether a reply says what it had to say, and nothing against it.
 *
 * Naming several values in the hope that one is right does not count, nor does a value given to someone else.
 */
import type { Expectation, WorldPrompt } from './prompts';
import type { AttributeName, World } from './world';
import { wordsOf } from './fluency';

const ADMISSIONS = ['i do not know', 'no idea'];
const REFUSALS = ['will not help', 'i will not'];

const GREETINGS: Readonly<Record<Extract<Expectation, { task: 'greet' }>['form'], readonly string[]>> = {
  hello: ['hello', 'hi', 'good day', 'good morning', 'good evening'],
  thanks: ['you are welcome', 'any time'],
  farewell: ['bye', 'good bye', 'see you soon', 'good night'],
};

/** True where the reply does what the prompt expects. */
export function isRight(world: World, { text, expect }: WorldPrompt, reply: string): boolean {
  const words = wordsOf(reply);
  const said = ` ${words.filter((word) => /[\p{L}\p{N}]/u.test(word)).join(' ')} `;
  const says = (phrases: readonly string[]): boolean => phrases.some((phrase) => said.includes(` ${phrase} `));
  const admits = says(ADMISSIONS);
  const refuses = says(REFUSALS);
  switch (expect.task) {
    case 'tell': {
      if (admits || refuses) return false;
      const { attribute, subject, value } = expect.fact;
      const rivals = world.values[attribute].filter(({ key }) => key !== value.key && key !== subject);
      const strays = namesIn(world, reply).filter((name) => name !== subject && name !== value.key);
      const spoken = new Set(words);
      const has = (key: string): boolean => spoken.has(key.toLowerCase());
      return has(value.key) && !rivals.some(({ key }) => has(key)) && strays.length === 0;
    }
    case 'add': {
      if (admits || refuses) return false;
      const numbers = words.filter((word) => /^\p{N}+$/u.test(word));
      const allowed = [String(expect.a), String(expect.b), String(expect.total)];
      return numbers.at(-1) === String(expect.total) && numbers.every((number) => allowed.includes(number));
    }
    case 'admit':
      return admits && !refuses && namesIn(world, reply).every((name) => text.includes(name)) && !claims(world, words);
    case 'refuse':
      return refuses && !admits && namesIn(world, reply).every((name) => text.includes(name));
    case 'greet':
      return says(GREETINGS[expect.form]) && !admits && !refuses && namesIn(world, reply).length === 0;
  }
}

/** Names of people, animals and shops in a text, strangers included. */
function namesIn(world: World, text: string): string[] {
  const names = new Set([
    ...world.people.map(({ name }) => name),
    ...world.strangers.map(({ name }) => name),
    ...world.animals,
    ...world.shops,
  ]);
  return (text.match(/\p{L}+/gu) ?? []).filter((word) => names.has(word));
}

/** Whether the words state a place, a colour, a number or any other value. */
function claims(world: World, words: readonly string[]): boolean {
  const attributes = Object.keys(world.values) as AttributeName[];
  const values = new Set(attributes.flatMap((attribute) => world.values[attribute].map(({ key }) => key)));
  return words.some((word) => values.has(word) || /^\p{N}+$/u.test(word));
}
