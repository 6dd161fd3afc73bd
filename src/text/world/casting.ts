/**
 * Who plays in a document: people, animals, shops, days and boats for the slots of a template, and what is true of
 * them.
 *
 *   {a} {b} {c}       people; {pet} {pet2} {shop} {shop2} {day} {day2} {boat} {boat2}: what they say
 *   {a.home}          the phrase of a fact; {pet.animal.key} its one word
 *   {a.she} {a.her} {a.his}  pronouns
 *   {thing} {food} {place} {place2} {n}  anything of that kind, no fact
 */
import { slotsOf } from './grammar';
import type { Random } from './random';
import {
  factOf,
  inReach,
  type AttributeName,
  type Circle,
  type Subject,
  type SubjectKind,
  type Value,
  type World,
} from './world';

const ROLES: Readonly<Record<string, SubjectKind>> = {
  a: 'person',
  b: 'person',
  c: 'person',
  pet: 'animal',
  pet2: 'animal',
  shop: 'shop',
  shop2: 'shop',
  day: 'day',
  day2: 'day',
  boat: 'boat',
  boat2: 'boat',
};

const PRONOUNS = ['she', 'her', 'his'] as const;
type PronounForm = (typeof PRONOUNS)[number];
const isPronoun = (word: string): word is PronounForm => (PRONOUNS as readonly string[]).includes(word);

/** Share of the cast that is of the core, in text about the whole town. */
const CORE_SHARE = 0.5;

/**
 * What stands in the slots of a template; undefined where the town within reach has nobody for a part.
 *
 * @param strangers people of whom nothing is known may play parts without a fact
 */
export function castFor(
  world: World,
  template: string,
  reach: Circle,
  random: Random,
  strangers = true,
): ((slot: string) => string) | undefined {
  const cast = new Map<string, Subject>();
  const needs = needsOf(template);
  for (const [role, attributes] of needs) {
    const kind = ROLES[role];
    const circle: Circle = reach === 'core' || random.chance(CORE_SHARE) ? 'core' : 'town';
    const able = [...world.subjects, ...(strangers && attributes.length === 0 ? world.strangers : [])].filter(
      (subject) =>
        subject.kind === kind &&
        inReach(subject.circle, reach) &&
        ![...cast.values()].includes(subject) &&
        attributes.every((attribute) => factOf(world, subject, attribute)),
    );
    const preferred = able.filter((subject) => subject.circle === circle);
    const chosen = preferred.length > 0 ? preferred : able;
    if (chosen.length === 0) return undefined;
    cast.set(role, random.pick(chosen));
  }
  const free = new Map<string, string>();
  return (slot) => {
    const [role = '', what, key] = slot.split('.');
    const subject = cast.get(role);
    if (subject === undefined) {
      const known = free.get(slot) ?? freeSlot(world, slot, reach, random, [...free.values()]);
      free.set(slot, known);
      return known;
    }
    if (what === undefined) return subject.name;
    if (isPronoun(what)) return pronounsOf(world, subject)[what];
    const fact = factOf(world, subject, what as AttributeName);
    if (!fact) throw new RangeError(`Expected ${subject.name} to have {${slot}}.`);
    return key === undefined ? fact.value.phrase : fact.value.key;
  };
}

/** For the slots {she}, {her} and {his}. */
export function pronounsOf(world: World, { pronoun }: Subject): Readonly<Record<'she' | 'her' | 'his', string>> {
  return world.language.pronouns[pronoun];
}

/** The values that text within reach may use. */
export function valuesWithin(world: World, attribute: AttributeName, reach: Circle): readonly Value[] {
  const list = world.language.values[attribute];
  if (list !== 'people') return reach === 'town' ? world.values[attribute] : list.core;
  const near = new Set(world.people.filter(({ circle }) => inReach(circle, reach)).map(({ name }) => name));
  return world.values[attribute].filter(({ key }) => near.has(key));
}

function needsOf(template: string): Map<string, AttributeName[]> {
  const needs = new Map<string, AttributeName[]>();
  for (const slot of slotsOf(template)) {
    const [role = '', what] = slot.split('.');
    if (!(role in ROLES)) continue;
    const attributes = needs.get(role) ?? [];
    if (what !== undefined && !isPronoun(what)) attributes.push(what as AttributeName);
    needs.set(role, attributes);
  }
  return needs;
}

function freeSlot(world: World, slot: string, reach: Circle, random: Random, taken: readonly string[]): string {
  const unlike = (list: readonly string[]): string => random.pick(list.filter((one) => !taken.includes(one)));
  switch (slot.replace(/\d$/, '')) {
    case 'thing':
      return unlike(world.language.things);
    case 'food':
      return unlike(valuesWithin(world, 'food', reach).map(({ phrase }) => phrase));
    case 'place':
      return unlike(valuesWithin(world, 'home', reach).map(({ phrase }) => phrase));
    case 'visitor':
      return random.pick(world.language.names.visitors);
    case 'n':
      return String(3 + random.integer(17));
    default:
      throw new RangeError(`Expected a slot that can be cast, got {${slot}}.`);
  }
}
