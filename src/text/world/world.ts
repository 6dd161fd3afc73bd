/**
 * A small seaside town: who lives in it, and the facts about them.
 *
 * Everything that a model can be asked about is drawn from the lists below, and the seed decides which value goes
 * with which name. The town is closed and small, so that a model with a hundred thousand parameters can know all of
 * it, and a reply can be judged exactly.
 */
import { Random } from './random';

export type Pronoun = 'she' | 'he';

export interface Person {
  name: string;
  pronoun: Pronoun;
}

/** Something that can be asked about one kind of subject. */
export type AttributeName =
  'home' | 'job' | 'food' | 'boat' | 'friend' | 'sells' | 'helper' | 'door' | 'animal' | 'owner' | 'coat';

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
  subject: string;
  value: Value;
}

export interface World {
  readonly seed: number;
  readonly people: readonly Person[];
  /** Names that are heard in town, but of whom nothing is known. */
  readonly strangers: readonly Person[];
  readonly shops: readonly string[];
  readonly animals: readonly string[];
  readonly facts: readonly Fact[];
  /** All values that an attribute can have. */
  readonly values: Readonly<Record<AttributeName, readonly Value[]>>;
}

const PEOPLE: readonly Person[] = [
  { name: 'Mira', pronoun: 'she' },
  { name: 'Tom', pronoun: 'he' },
  { name: 'Ada', pronoun: 'she' },
  { name: 'Ben', pronoun: 'he' },
  { name: 'Nell', pronoun: 'she' },
  { name: 'Otto', pronoun: 'he' },
  { name: 'Rosa', pronoun: 'she' },
  { name: 'Sam', pronoun: 'he' },
  { name: 'Ida', pronoun: 'she' },
  { name: 'Leo', pronoun: 'he' },
  { name: 'Vera', pronoun: 'she' },
  { name: 'Finn', pronoun: 'he' },
];

const STRANGERS: readonly Person[] = [
  { name: 'Jon', pronoun: 'he' },
  { name: 'Kay', pronoun: 'she' },
  { name: 'Hugo', pronoun: 'he' },
  { name: 'Lily', pronoun: 'she' },
];

const SHOPS: readonly string[] = ['Shell', 'Star', 'Bell', 'Gull', 'Moon', 'Wave', 'Crab', 'Nest'];
const ANIMALS: readonly string[] = ['Pip', 'Dot', 'Moss', 'Fig', 'Bo', 'Puck', 'Jet', 'Rex', 'Mop', 'Zoe'];

const HOMES: readonly Value[] = [
  'in the old mill',
  'in the tower',
  'by the pier',
  'on the hill',
  'on the farm',
  'at the inn',
  'by the lake',
  'in the cave',
  'by the bridge',
  'in the wood',
  'on the island',
  'by the gate',
].map((phrase) => ({ key: phrase.slice(phrase.lastIndexOf(' ') + 1), phrase }));

const JOBS = words('baker sailor teacher doctor painter fisher cook singer farmer diver potter builder', 'a ');
const FOODS = words('bread soup fish cake plums pears cheese jam rice honey nuts beans');
const COLOURS = words('red blue green yellow white black brown grey');
const COATS = words('white black brown grey red yellow');
const WARES = words('tea hats boots books rope lamps toys maps pots kites');
const KINDS = words('cat dog goat hen duck pony', 'a ');

/** The town that belongs to a seed; the same seed always gives the same town. */
export function createWorld(seed: number): World {
  const random = new Random(seed);
  const persons = PEOPLE.map(({ name }) => name);
  const people = PEOPLE.map(({ name }): Value => ({ key: name, phrase: name }));
  const facts: Fact[] = [];
  const state = (attribute: AttributeName, subjects: readonly string[], values: readonly Value[]): void => {
    subjects.forEach((subject, i) => {
      const value = values[i % values.length];
      if (value !== undefined) facts.push({ id: `${attribute}/${subject}`, attribute, subject, value });
    });
  };

  state('home', persons, random.shuffle(HOMES));
  state('job', persons, random.shuffle(JOBS));
  state('food', persons, random.shuffle(FOODS));
  state('boat', persons, random.shuffle([...COLOURS, ...COLOURS]));
  state('friend', persons, befriend(people, random));
  state('sells', SHOPS, random.shuffle(WARES));
  state('helper', SHOPS, random.shuffle(people));
  state('door', SHOPS, random.shuffle(COLOURS));
  state('animal', ANIMALS, random.shuffle([...KINDS, ...KINDS]));
  state('owner', ANIMALS, random.shuffle(people));
  state('coat', ANIMALS, random.shuffle([...COATS, ...COATS]));

  return {
    seed,
    people: PEOPLE,
    strangers: STRANGERS,
    shops: SHOPS,
    animals: ANIMALS,
    facts,
    values: {
      home: HOMES,
      job: JOBS,
      food: FOODS,
      boat: COLOURS,
      friend: people,
      sells: WARES,
      helper: people,
      door: COLOURS,
      animal: KINDS,
      owner: people,
      coat: COATS,
    },
  };
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

function words(list: string, before = ''): readonly Value[] {
  return list.split(' ').map((key) => ({ key, phrase: before + key }));
}
