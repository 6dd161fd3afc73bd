/**
 * Everything that the world can be asked, with what a good reply must do, split into a side to train on and a side
 * that is held out from demonstrations, rankings and PPO.
 *
 * A topic (one fact, one sum, one thing nobody knows) lies with all its wordings on one side. The split hides
 * questions, not knowledge: the pretraining text tells all facts and sums.
 */
import { ATTRIBUTES, WORDINGS, nameInSentence, questionsAbout } from './attributes';
import { greetingTopics, type GreetingForm } from './greetings';
import { groupBy } from './grouping';
import { improperTopics } from './improper';
import { Random } from './random';
import { unknownTopics, type Invention } from './unknowns';
import type { Fact, World } from './world';

export type PromptKind = 'fact' | 'sum' | 'unanswerable' | 'improper' | 'greeting';

/** What a good reply does. */
export type Expectation =
  | { task: 'tell'; fact: Fact }
  | { task: 'add'; a: number; b: number; total: number }
  /** Nobody in town knows; `invent` says something false. */
  | { task: 'admit'; subject: string; invent: Invention }
  | { task: 'refuse'; victim: string }
  | { task: 'greet'; form: GreetingForm; opener: string };

export interface WorldPrompt {
  /** `kind/topic/wording`, unique in the world. */
  id: string;
  kind: PromptKind;
  text: string;
  expect: Expectation;
}

export type Split = 'train' | 'heldOut';

/** How often each kind is asked, in twentieths. */
export const KIND_SHARES: Readonly<Record<PromptKind, number>> = {
  fact: 8,
  sum: 3,
  unanswerable: 3,
  improper: 3,
  greeting: 3,
};

export const PROMPT_KINDS = Object.keys(KIND_SHARES) as readonly PromptKind[];

/** Share of the topics of each group that is held out. */
const HELD_OUT_SHARE = 0.2;
const HELD_OUT_GREETINGS = 0.25;

/** Largest number in a sum's question. */
const LARGEST_TERM = 10;

/** Questions that stand and fall together, in one group of like topics. */
interface Topic {
  kind: PromptKind;
  /** Topics of one group are split in the same proportion. */
  group: string;
  name: string;
  texts: readonly string[];
  expect: Expectation;
}

const promptsOfWorld = new WeakMap<World, Record<Split, readonly WorldPrompt[]>>();

/** All prompts of the world; each call gives the same lists. */
export function worldPrompts(world: World): Record<Split, readonly WorldPrompt[]> {
  const known = promptsOfWorld.get(world);
  if (known !== undefined) return known;
  const random = new Random(world.seed + 1);
  const sides: Record<Split, WorldPrompt[]> = { train: [], heldOut: [] };
  for (const group of groupBy(allTopics(world), ({ group }) => group).values()) {
    const share = group[0]?.kind === 'greeting' ? HELD_OUT_GREETINGS : HELD_OUT_SHARE;
    const heldOutCount = Math.round(group.length * share);
    random.shuffle(group).forEach((topic, i) => {
      sides[i < heldOutCount ? 'heldOut' : 'train'].push(...promptsOf(topic));
    });
  }
  promptsOfWorld.set(world, sides);
  return sides;
}

/**
 * Draws prompts of one side, every block of twenty with the kinds in the shares of `KIND_SHARES`. Within a kind none
 * comes again before all have come.
 */
export function samplePrompts(world: World, split: Split, count: number, seed: number): WorldPrompt[] {
  const random = new Random(seed);
  const byKind = groupBy(worldPrompts(world)[split], ({ kind }) => kind);
  const decks = new Map<PromptKind, WorldPrompt[]>();
  const draw = (kind: PromptKind): WorldPrompt => {
    let deck = decks.get(kind) ?? [];
    if (deck.length === 0) deck = random.shuffle(byKind.get(kind) ?? []);
    decks.set(kind, deck);
    const prompt = deck.pop();
    if (prompt === undefined) throw new RangeError(`The world has no prompts of kind ${kind}.`);
    return prompt;
  };
  const block = PROMPT_KINDS.flatMap((kind) => Array.from({ length: KIND_SHARES[kind] }, () => kind));
  const prompts: WorldPrompt[] = [];
  while (prompts.length < count) {
    for (const kind of random.shuffle(block).slice(0, count - prompts.length)) prompts.push(draw(kind));
  }
  return prompts;
}

function promptsOf({ kind, name, texts, expect }: Topic): WorldPrompt[] {
  return texts.map((text, wording) => ({ id: `${kind}/${name}/${wording}`, kind, text, expect }));
}

function allTopics(world: World): Topic[] {
  return [
    ...world.facts.map((fact): Topic => ({
      kind: 'fact',
      group: fact.attribute,
      name: fact.id,
      texts: questionsAbout(world, fact.attribute, fact.subject),
      expect: { task: 'tell', fact },
    })),
    ...sumTopics(),
    ...strangerTopics(world),
    ...unknownTopics(world).map(({ group, subject, texts, invent }): Topic => ({
      kind: 'unanswerable',
      group,
      name: `${group}/${subject}`,
      texts,
      expect: { task: 'admit', subject, invent },
    })),
    ...improperTopics(world).map(({ group, victim, texts }): Topic => ({
      kind: 'improper',
      group,
      name: `${group}/${victim}`,
      texts,
      expect: { task: 'refuse', victim },
    })),
    ...greetingTopics(world).map(({ form, opener, text }, i): Topic => ({
      kind: 'greeting',
      group: form,
      name: `${form}/${i}`,
      texts: [text],
      expect: { task: 'greet', form, opener },
    })),
  ];
}

function sumTopics(): Topic[] {
  const topics: Topic[] = [];
  for (let a = 1; a <= LARGEST_TERM; a++) {
    for (let b = 1; b <= LARGEST_TERM; b++) {
      topics.push({
        kind: 'sum',
        group: 'sum',
        name: `${a}+${b}`,
        texts: [`What is ${a} + ${b}?`, `How much is ${a} + ${b}?`, `Can you add ${a} and ${b}?`],
        expect: { task: 'add', a, b, total: a + b },
      });
    }
  }
  return topics;
}

/** What could be asked of anyone, asked about people of whom nothing is known. */
function strangerTopics(world: World): Topic[] {
  return ATTRIBUTES.filter((attribute) => WORDINGS[attribute].subjects === 'people').flatMap((attribute) =>
    world.strangers.map(({ name }): Topic => {
      const invent: Invention = (random) =>
        random.pick(WORDINGS[attribute].statements)(
          nameInSentence(world, name),
          random.pick(world.values[attribute]).phrase,
        );
      return {
        kind: 'unanswerable',
        group: 'stranger',
        name: `${attribute}/${name}`,
        texts: questionsAbout(world, attribute, name),
        expect: { task: 'admit', subject: name, invent },
      };
    }),
  );
}
