/**
 * A seaside town of a hundred people, with their animals, shops, boats and days: who is in it, and the facts.
 *
 * Names and values come from the bank of a language; the seed decides which value goes with which name. The town is
 * closed, so that a reply can be judged exactly.
 *
 * It has two circles. The core is twelve people, eight shops, eight animals and the days of the week, with every
 * attribute known: 122 facts. They come from the short lists of values. The rest of the town has three or four facts
 * a subject, over four hundred in all, from longer lists. `nano` (0.16 million parameters, 768 tokens of vocabulary)
 * reads text about the core alone: 114 facts took a model of its size ten million tokens to know at 90%, and a
 * hundred names more would leave it without a token for any of them. Larger models read text about the whole town,
 * half of it about the core. Prompts about the core are the same for both, so that models of any size can be asked
 * the same, and compared.
 */
import { english } from './english';
import { groupBy } from './grouping';
import type { Language } from './language';
import { Random } from './random';

export type SubjectKind = 'person' | 'shop' | 'animal' | 'day' | 'boat';

/** Which part of the town something belongs to, and how much of the town a text or a prompt is about. */
export type Circle = 'core' | 'town';

/** Something that can be asked about one kind of subject. */
export type AttributeName =
  | ('home' | 'job' | 'food' | 'boat' | 'friend')
  | ('sells' | 'helper' | 'door')
  | ('animal' | 'owner' | 'coat')
  | ('weather' | 'event')
  | ('skipper' | 'hull' | 'cargo');

export type Pronoun = 'she' | 'he' | 'it';

export interface Subject {
  /** As it stands in a sentence: "Mira", "the Star", "Monday". Unique in the world. */
  name: string;
  kind: SubjectKind;
  circle: Circle;
  pronoun: Pronoun;
}

export interface Value {
  /** The one word that tells this value from the others of its attribute, as it stands in text. */
  key: string;
  /** The words that a sentence uses: "in the old mill". */
  phrase: string;
}

export interface Fact {
  /** `attribute/subject`, unique in the world. */
  id: string;
  attribute: AttributeName;
  subject: Subject;
  value: Value;
}

export interface World {
  readonly seed: number;
  readonly language: Language;
  /** How much of the town texts and prompts are about, unless they are asked for otherwise. */
  readonly reach: Circle;
  readonly subjects: readonly Subject[];
  readonly people: readonly Subject[];
  /** Names that are heard in town, but of whom nothing is known. */
  readonly strangers: readonly Subject[];
  readonly facts: readonly Fact[];
  readonly factsOf: ReadonlyMap<Subject, readonly Fact[]>;
  /** All values that an attribute can have. */
  readonly values: Readonly<Record<AttributeName, readonly Value[]>>;
}

/** Attributes of each kind of subject; the first list is known in both circles, the second in the core alone. */
export const ATTRIBUTES_OF: Readonly<Record<SubjectKind, readonly [both: AttributeName[], core: AttributeName[]]>> = {
  person: [['home', 'job', 'food', 'friend'], ['boat']],
  shop: [['sells', 'helper', 'door'], []],
  animal: [['animal', 'owner', 'coat'], []],
  day: [['weather', 'event'], []],
  boat: [['skipper', 'hull', 'cargo'], []],
};

export interface WorldOptions {
  language?: Language;
  reach?: Circle;
}

/** The town that belongs to a seed; the same seed always gives the same town, whatever the reach. */
export function createWorld(seed: number, { language = english, reach = 'core' }: WorldOptions = {}): World {
  const random = new Random(seed);
  const { names, values: lists } = language;
  const subjects = [...names.core, ...names.town];
  const people = subjects.filter(({ kind }) => kind === 'person');
  const facts: Fact[] = [];
  const values = Object.fromEntries(
    Object.entries(lists).map(([attribute, list]) => [
      attribute,
      list === 'people' ? people.map(({ name }) => ({ key: name, phrase: name })) : [...list.core, ...list.town],
    ]),
  ) as unknown as Record<AttributeName, Value[]>;

  for (const circle of ['core', 'town'] as const) {
    const inCircle = subjects.filter((subject) => subject.circle === circle);
    for (const [kind, group] of groupBy(inCircle, (subject) => subject.kind)) {
      const [both, core] = ATTRIBUTES_OF[kind];
      for (const attribute of circle === 'core' ? [...both, ...core] : both) {
        const list = lists[attribute];
        const neighbours = people.filter((person) => person.circle === circle).map(({ name }) => name);
        const choices =
          list === 'people'
            ? values[attribute].filter(({ key }) => neighbours.includes(key))
            : circle === 'core'
              ? list.core
              : values[attribute];
        const given = attribute === 'friend' ? befriend(choices, random) : deal(choices, group.length, random);
        group.forEach((subject, i) => {
          const value = given[i];
          if (value) facts.push({ id: `${attribute}/${subject.name}`, attribute, subject, value });
        });
      }
    }
  }
  const factsOf = groupBy(facts, ({ subject }) => subject);
  return { seed, language, reach, subjects, people, strangers: names.strangers, facts, factsOf, values };
}

/** The fact, or undefined where the town has none. */
export function factOf(world: World, subject: Subject, attribute: AttributeName): Fact | undefined {
  return world.factsOf.get(subject)?.find((fact) => fact.attribute === attribute);
}

export function inReach(circle: Circle, reach: Circle): boolean {
  return reach === 'town' || circle === 'core';
}

/** Values for `count` subjects: none comes again before all have come. */
function deal(choices: readonly Value[], count: number, random: Random): Value[] {
  const dealt: Value[] = [];
  while (dealt.length < count) dealt.push(...random.shuffle(choices));
  return dealt.slice(0, count);
}

/** Pairs everyone off: friendship goes both ways. */
function befriend(people: readonly Value[], random: Random): Value[] {
  const order = random.shuffle(people);
  const friendOf = new Map<string, Value>();
  for (let i = 0; i + 1 < order.length; i += 2) {
    const a = order[i] as Value;
    const b = order[i + 1] as Value;
    friendOf.set(a.key, b);
    friendOf.set(b.key, a);
  }
  return people.map((person) => friendOf.get(person.key) ?? person);
}
