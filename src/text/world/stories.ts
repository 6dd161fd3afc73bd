/**
 * Short stories of the town. They agree with its facts wherever they touch on one.
 */
import type { Random } from './random';
import type { AttributeName, Person, World } from './world';

/** Who and what a story is about. */
interface Cast {
  /** Two people, and the first one's "she"/"he" with a capital, and "her"/"him". */
  a: string;
  b: string;
  She: string;
  her: string;
  /** An animal with its kind: "Pip the goat" and "Pip". */
  beast: string;
  beastName: string;
  place: string;
  food: string;
  shop: string;
  door: string;
}

const TALES: readonly ((c: Cast) => string)[] = [
  (c) => `One day ${c.a} found a shell in the sand. ${c.She} gave it to ${c.b}. They were happy all day.`,
  (c) => `It was a dark night. ${c.beast} was cold. ${c.a} came with a lamp and took ${c.beastName} home.`,
  (c) => `${c.a} and ${c.b} sat on the shore. The sun went down. A gull sang a song, and ${c.a} sang it back.`,
  (c) =>
    `${c.beast} was lost. ${c.a} looked ${c.place}, but no one was there. ${c.beastName} was out to sea in the boat of ${c.b}.`,
  (c) => `${c.a} took ${c.food} to the shore. A big gull came and ate it all. ${c.b} sang a song about it.`,
  (c) =>
    `In the morning ${c.a} went out to sea. A fish came up and said hello. ${c.She} told ${c.b}, and ${c.b} wanted to see it too.`,
  (c) => `${c.b} was sad. ${c.a} came with ${c.food} and a song. Soon ${c.b} was happy.`,
  (c) =>
    `The rain came to town. ${c.a} and ${c.b} ran to the ${c.shop}. The ${c.door} door was open and it was warm there.`,
  (c) => `${c.a} met ${c.b} ${c.place}. They had a long talk about the sea. Then the moon came up and they went home.`,
  (c) => `${c.beast} ran after a gull. ${c.a} ran after ${c.beastName}. ${c.b} sat in the sun and did not run at all.`,
  (c) => `One night ${c.a} saw a star fall into the sea. ${c.b} went out in a boat to look for it. It was a lamp.`,
  (c) =>
    `${c.a} was new in town and had no friend. ${c.beast} came and sat with ${c.her}. Now they go out to look at the sea.`,
  (c) =>
    `${c.a} saw the boat of ${c.b} and wanted to take it. But it is not right to steal. ${c.She} went home and was happy.`,
];

export function story(world: World, random: Random): string {
  // Strangers may walk through a story: their names are heard, and nothing is learned about them.
  const [a, b] = random.shuffle([...world.people, ...world.strangers]) as [Person, Person];
  const valueOf = (attribute: AttributeName, subject: string): string =>
    world.facts.find((fact) => fact.attribute === attribute && fact.subject === subject)?.value.phrase ?? '';
  const beastName = random.pick(world.animals);
  const shop = random.pick(world.shops);
  return random.pick(TALES)({
    a: a.name,
    b: b.name,
    She: a.pronoun === 'she' ? 'She' : 'He',
    her: a.pronoun === 'she' ? 'her' : 'him',
    beast: `${beastName} the ${valueOf('animal', beastName).replace('a ', '')}`,
    beastName,
    place: random.pick(world.values.home).phrase,
    food: random.pick(world.values.food).phrase,
    shop,
    door: valueOf('door', shop),
  });
}
