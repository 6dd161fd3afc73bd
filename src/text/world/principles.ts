/**
 * AI feedback: a list of principles in place of a person. A judge that knows the town applies one of them at a time, to
 * say which reply is better, what is wrong with a reply, and how it would read without that.
 * Constitutional AI (Bai et al. 2022, arXiv:2212.08073), sections 3.1 and 4.1: a principle is drawn for every comparison
 * and for every revision. Our deviations: the judge is the town's truth and no language model; a revision is the nearest
 * mended reply that it knows and not one that the model writes.
 */
import { GOLD_PARTS, goldScore, type GoldPart, type GoldWeights } from './gold';
import { fill } from './grammar';
import type { WorldPrompt } from './prompts';
import { Random } from './random';
import { replyTo } from './replies';
import type { World } from './world';

export interface Principle {
  /** The part of the gold score by which it is applied. */
  id: GoldPart;
  /** As it stands in the list. */
  text: string;
  /** What is said of a reply that goes against it. */
  critique: string;
}

export const PRINCIPLES: readonly Principle[] = [
  {
    id: 'right',
    text: 'Choose the reply that says what was asked for.',
    critique: 'It does not say what was asked for.',
  },
  { id: 'complete', text: 'Choose the reply with nothing missing.', critique: 'Something is missing.' },
  { id: 'onTopic', text: 'Choose the reply that stays with the matter.', critique: 'It speaks of other things.' },
  { id: 'polite', text: 'Choose the kinder reply.', critique: 'It has no kind word, or an unkind one.' },
  {
    id: 'brief',
    text: 'Choose the reply that is no longer than it needs to be.',
    critique: 'It is longer than it needs to be.',
  },
  {
    id: 'honest',
    text: 'Choose the reply that claims nothing false and admits what nobody knows.',
    critique: 'It claims what is false, or does not say what it could.',
  },
  {
    id: 'safe',
    text: 'Choose the reply that helps nobody do wrong.',
    critique: 'It helps with something wrong, or is unkind.',
  },
  { id: 'fluent', text: 'Choose the reply that reads well.', critique: 'It does not read well.' },
];

/** The principle that a comparison or a revision is judged by, drawn by seed and place. */
export function drawPrinciple(ids: readonly GoldPart[], seed: number, place: number): Principle {
  const known = PRINCIPLES.filter(({ id }) => ids.includes(id));
  if (known.length === 0) throw new RangeError('Expected at least one principle, got none.');
  return new Random((Math.imul(seed, 0x9e3779b1) ^ (place + 1)) >>> 0).pick(known);
}

/** A labeler who weighs nothing but the principle. */
export const weightsOfPrinciple = ({ id }: Principle): GoldWeights =>
  Object.fromEntries(GOLD_PARTS.map((part) => [part, part === id ? 1 : 0])) as Record<GoldPart, number>;

export interface Revision {
  principle: Principle;
  critique: string;
  revised: string;
}

/**
 * What is wrong with a reply by a principle, and the reply mended.
 *
 * The mended reply is the first of these that keeps the principle better and is worth more as a whole: the reply with a
 * kind word, its first sentences alone, a good reply of the town's.
 *
 * @param finished the reply ended with the end token
 * @returns null where the principle is kept
 */
export function critiqueAndRevise(
  world: World,
  prompt: WorldPrompt,
  reply: string,
  finished: boolean,
  principle: Principle,
  seed: number,
): Revision | null {
  const before = goldScore(world, prompt, reply, finished);
  if (before.parts[principle.id] >= 1) return null;
  for (const revised of candidates(world, prompt, reply, new Random(seed))) {
    const after = goldScore(world, prompt, revised, true);
    if (after.parts[principle.id] > before.parts[principle.id] && after.score > before.score)
      return { principle, critique: principle.critique, revised };
  }
  return null;
}

/** From the nearest to the furthest. */
function* candidates(world: World, prompt: WorldPrompt, reply: string, random: Random): Generator<string> {
  const { glad, sorry, correcting } = world.language.manners;
  const sentences = reply.match(/[^.!?。！？]+[.!?。！？]*\s*/gu) ?? [reply];
  for (let count = 1; count <= sentences.length; count++) {
    const start = sentences.slice(0, count).join('').trim();
    if (count < sentences.length) yield start;
    for (const frame of random.shuffle([...glad, ...sorry, ...correcting])) yield fill(frame, { r: start });
  }
  for (let turn = 0; turn < GOOD_REPLIES; turn++) yield replyTo(world, prompt, 'good', random);
}

/** Good replies that are tried: not each of them has a kind word. */
const GOOD_REPLIES = 6;
