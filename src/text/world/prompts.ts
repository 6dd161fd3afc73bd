/**
 * Everything that the world can be asked, with what a good reply must do, in four sides without overlap:
 *
 *   train        demonstrations, rankings, PPO and the forum threads of the web
 *   phrasing     what is asked in training, in words in which it never is
 *   combination  pairs and lists that never come together in training, in words that are familiar: sums, who is to be
 *                tricked, what is to be sorted
 *   unasked      facts that the prose of the web tells and nothing in training asks
 *
 * The last three are what is held out, and an evaluation can report each.
 */
import type { Message } from '../../session/protocol';
import { groupBy } from './grouping';
import { Random } from './random';
import { compareTopics } from './tasks/compare';
import { factTopics, followUpTopics, premiseTopics } from './tasks/facts';
import { instructionTopics } from './tasks/instructions';
import { greetingTopics, improperTopics, properTopics, unknownTopics } from './tasks/manners';
import { memoryTopics } from './tasks/memory';
import { moodTopics, storyTopics, summaryTopics } from './tasks/stories';
import { sumTopics } from './tasks/sums';
import { wordTopics } from './tasks/words';
import type { Answers, Asking, Expectation, PromptKind, Topic } from './topic';
import { inReach, type Circle, type World } from './world';

export type { PromptKind } from './topic';

export const HELD_OUT_SIDES = ['phrasing', 'combination', 'unasked'] as const;
export type HeldOutSide = (typeof HELD_OUT_SIDES)[number];
export type Side = 'train' | HeldOutSide;
/** The side to train on, or all sides that are held out. */
export type Split = 'train' | 'heldOut';

export interface WorldPrompt {
  /** `kind/topic/side/wording`, unique in the world. */
  id: string;
  /** `kind/topic` */
  topic: string;
  kind: PromptKind;
  side: Side;
  /** Stands in no text of the web. */
  chatOnly?: true;
  circle: Circle;
  /** The conversation; it ends with the person's turn. */
  messages: readonly Message[];
  /** The last turn. */
  text: string;
  expect: Expectation;
  answers: Answers;
}

/** How often each kind is asked, in fortieths. */
export const KIND_SHARES: Readonly<Record<PromptKind, number>> = {
  fact: 9,
  sum: 3,
  steps: 2,
  unanswerable: 4,
  improper: 3,
  proper: 3,
  greeting: 3,
  compare: 2,
  words: 2,
  memory: 2,
  story: 1,
  summary: 1,
  sentiment: 1,
  premise: 2,
  instruction: 2,
};

export const PROMPT_KINDS = Object.keys(KIND_SHARES) as readonly PromptKind[];

/** Share of the topics of each group that is held out. */
const HELD_OUT_SHARE = 0.2;

/** A name told in the first of three turns, asked for in the last. */
export const asksForNameOverThreeTurns = ({ topic, messages }: WorldPrompt): boolean =>
  topic.startsWith('memory/name/') && messages.length === 5;

type Sides = Readonly<Record<Split, readonly WorldPrompt[]>>;

const promptsOfWorld = new WeakMap<World, Sides>();

/** All prompts of the world; each call gives the same lists. */
export function worldPrompts(world: World): Sides {
  const known = promptsOfWorld.get(world);
  if (known !== undefined) return known;
  const random = new Random(world.seed + 1);
  const prompts: WorldPrompt[] = [];
  const inChat: WorldPrompt[] = [];
  for (const topics of groupBy(allTopics(world), groupKey).values()) {
    // Topics of one name, like 7 + 5 and 5 + 7, stay together.
    const names = [...groupBy(topics, nameKey).keys()];
    const heldOut = new Set(random.shuffle(names).slice(0, heldOutCount(topics, names.length)));
    for (const topic of topics) {
      if (heldOut.has(nameKey(topic))) {
        prompts.push(...promptsOf(topic, topic.kind === 'fact' ? 'unasked' : 'combination', topic.seen));
      } else {
        prompts.push(...promptsOf(topic, 'train', topic.seen), ...promptsOf(topic, 'phrasing', topic.heldOut));
        inChat.push(...chatPromptsOf(topic));
      }
    }
  }
  const onTheWeb = distinctTexts(prompts.filter(({ side }) => side === 'train'));
  const written = new Set(onTheWeb.map(({ messages }) => conversationKey(messages)));
  const train = [
    ...onTheWeb,
    ...distinctTexts(inChat).filter(({ messages }) => !written.has(conversationKey(messages))),
  ];
  const trained = new Set(train.map(({ messages }) => conversationKey(messages)));
  const heldOut = distinctTexts(prompts.filter(({ side }) => side !== 'train')).filter(
    ({ messages }) => !trained.has(conversationKey(messages)),
  );
  const sides = { train, heldOut };
  promptsOfWorld.set(world, sides);
  return sides;
}

/**
 * Draws prompts of one side, every block with the kinds in the shares of `KIND_SHARES`, as far as the side has them.
 * Within a kind none comes again before all have come.
 *
 * @param reach the core alone, or the whole town
 */
export function samplePrompts(
  world: World,
  split: Split | HeldOutSide,
  count: number,
  seed: number,
  reach: Circle = world.reach,
): WorldPrompt[] {
  const random = new Random(seed);
  const pile = (kind: PromptKind, circle: Circle): string => `${kind}/${circle}`;
  const all = promptsOn(world, split, reach);
  const piles = groupBy(all, ({ kind, circle }) => pile(kind, circle));
  const kinds = new Set(all.map(({ kind }) => kind));
  const decks = new Map<string, WorldPrompt[]>();
  const draw = (kind: PromptKind): WorldPrompt => {
    // Half about the core, wherever there is anything else to ask about.
    const circle: Circle = piles.has(pile(kind, 'town')) && random.chance(0.5) ? 'town' : 'core';
    const name = piles.has(pile(kind, circle)) ? pile(kind, circle) : pile(kind, 'town');
    let deck = decks.get(name) ?? [];
    if (deck.length === 0) deck = random.shuffle(piles.get(name) ?? []);
    decks.set(name, deck);
    const prompt = deck.pop();
    if (prompt === undefined) throw new RangeError(`The world has no prompts of kind ${kind}.`);
    return prompt;
  };
  const block = PROMPT_KINDS.filter((kind) => kinds.has(kind)).flatMap((kind) =>
    Array.from({ length: KIND_SHARES[kind] }, () => kind),
  );
  const prompts: WorldPrompt[] = [];
  while (prompts.length < count) {
    for (const kind of random.shuffle(block).slice(0, count - prompts.length)) prompts.push(draw(kind));
  }
  return prompts;
}

/** The prompts of one side, or of all that is held out. */
export function promptsOn(world: World, split: Split | HeldOutSide, reach: Circle): WorldPrompt[] {
  const { train, heldOut } = worldPrompts(world);
  return (split === 'train' ? train : heldOut).filter(
    ({ side, circle }) => inReach(circle, reach) && (split === 'train' || split === 'heldOut' || side === split),
  );
}

/** What makes two conversations the same. */
export function conversationKey(messages: readonly Message[]): string {
  return messages.map(({ text }) => text).join('\n');
}

function allTopics(world: World): Topic[] {
  const random = new Random(world.seed + 3);
  return [
    ...factTopics(world, random),
    ...premiseTopics(world, random),
    ...followUpTopics(world),
    ...sumTopics(world),
    ...greetingTopics(world, random),
    ...unknownTopics(world, random),
    ...improperTopics(world, random),
    ...properTopics(world),
    ...compareTopics(world, random),
    ...wordTopics(world, random),
    ...memoryTopics(world, random),
    ...storyTopics(world),
    ...summaryTopics(world, random),
    ...moodTopics(world, random),
    ...instructionTopics(world, random),
  ];
}

/** A sum is held out with and without its steps. */
const groupKey = ({ kind, group, circle }: Topic): string => `${kind === 'steps' ? 'sum' : kind}/${group}/${circle}`;

/** Sums are held out by their pair. */
const nameKey = ({ expect, name }: Topic): string => (expect.task === 'add' ? (name.split('/')[0] ?? name) : name);

function heldOutCount([first]: readonly Topic[], names: number): number {
  if (first?.group === 'unasked') return names;
  if (first?.group === 'asked' || first?.group === 'bonds') return 0;
  return Math.round(names * HELD_OUT_SHARE);
}

const chatPromptsOf = (topic: Topic): WorldPrompt[] =>
  promptsOf(topic, 'train', topic.chat ?? []).map((prompt) => ({
    ...prompt,
    id: prompt.id.replace('/train/', '/train/chat-'),
    chatOnly: true,
  }));

/** A prompt for each way of asking. */
export function promptsOf(
  { kind, name, circle, expect, answers }: Topic,
  side: Side,
  askings: readonly Asking[],
): WorldPrompt[] {
  return askings.map((asking, i) => {
    const messages = typeof asking === 'string' ? [{ role: 'user' as const, text: asking }] : asking;
    const text = messages.at(-1)?.text ?? '';
    return {
      id: `${kind}/${name}/${side}/${i}`,
      topic: `${kind}/${name}`,
      kind,
      side,
      circle,
      messages,
      text,
      expect,
      answers,
    };
  });
}

function distinctTexts(prompts: readonly WorldPrompt[]): WorldPrompt[] {
  return [...new Map(prompts.map((prompt) => [conversationKey(prompt.messages), prompt])).values()];
}
