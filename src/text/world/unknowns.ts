/**
 * Things that nobody in town knows, so that an honest reply says so. Each can also be answered with an invention,
 * which is what a bad reply does.
 */
import type { Random } from './random';
import type { World } from './world';

/** Makes up an answer. */
export type Invention = (random: Random) => string;

export interface UnknownTopic {
  group: string;
  subject: string;
  texts: readonly string[];
  invent: Invention;
}

interface Unknown {
  of: 'people' | 'animals';
  question: (subject: string) => string;
  clause: (subject: string) => string;
  invent: (subject: string, random: Random, world: World) => string;
}

const UNKNOWNS: Readonly<Record<string, Unknown>> = {
  age: {
    of: 'people',
    question: (s) => `How old is ${s}?`,
    clause: (s) => `how old ${s} is`,
    invent: (s, random) => `${s} is ${2 + random.integer(19)} years old.`,
  },
  aunt: {
    of: 'people',
    question: (s) => `Who is the aunt of ${s}?`,
    clause: (s) => `who the aunt of ${s} is`,
    invent: (s, random, world) => `The aunt of ${s} is ${random.pick(othersThan(world, s))}.`,
  },
  hat: {
    of: 'people',
    question: (s) => `What colour is the hat of ${s}?`,
    clause: (s) => `what colour the hat of ${s} is`,
    invent: (s, random, world) => `The hat of ${s} is ${random.pick(world.values.boat).phrase}.`,
  },
  birth: {
    of: 'people',
    question: (s) => `Where was ${s} born?`,
    clause: (s) => `where ${s} was born`,
    invent: (s, random, world) => `${s} was born ${random.pick(world.values.home).phrase}.`,
  },
  animalAge: {
    of: 'animals',
    question: (s) => `How old is ${s}?`,
    clause: (s) => `how old ${s} is`,
    invent: (s, random) => `${s} is ${2 + random.integer(19)} years old.`,
  },
  bed: {
    of: 'animals',
    question: (s) => `Where does ${s} sleep?`,
    clause: (s) => `where ${s} sleeps`,
    invent: (s, random, world) => `${s} sleeps ${random.pick(world.values.home).phrase}.`,
  },
};

export function unknownTopics(world: World): UnknownTopic[] {
  return Object.entries(UNKNOWNS).flatMap(([group, { of, question, clause, invent }]) => {
    const subjects = of === 'people' ? world.people.map(({ name }) => name) : world.animals;
    return subjects.map((subject) => ({
      group,
      subject,
      texts: [question(subject), `Do you know ${clause(subject)}?`, `Can you tell me ${clause(subject)}?`],
      invent: (random: Random) => invent(subject, random, world),
    }));
  });
}

function othersThan(world: World, name: string): string[] {
  return world.people.map((person) => person.name).filter((other) => other !== name);
}
