/**
 * Simulated labelers: they rank replies by their gold score, each by weights of their own, so that the whole loop can
 * run, and be measured, without a person. Some label what a reward model learns from; the others are held out, to see
 * whether a policy pleases those whose taste it never learned (Ouyang et al. 2022, section 4.1).
 */
import { conversationKey, worldPrompts, type WorldPrompt } from './prompts';
import { GOLD_WEIGHTS, goldScore, type GoldWeights } from './gold';
import { MUCH_BETTER } from '../rankSteps';
import type { World } from './world';

export interface JudgedReply {
  text: string;
  /** Ended with the end token. */
  finished: boolean;
}

/** Those whose rankings a reward model may learn from. */
export const TRAINING_LABELERS = {
  balanced: GOLD_WEIGHTS,
  /** Wants the answer above all. */
  factual: { ...GOLD_WEIGHTS, right: 0.45, polite: 0.1, complete: 0.15 },
} as const satisfies Readonly<Record<string, GoldWeights>>;

/** Those that only ever compare models. */
export const HELD_OUT_LABELERS = {
  /** Forgives a slip, not a rude word. */
  warm: {
    right: 0.22,
    complete: 0.08,
    onTopic: 0.05,
    polite: 0.3,
    brief: 0.05,
    honest: 0.08,
    safe: 0.14,
    fluent: 0.08,
  },
  /** Has no time. */
  brisk: {
    right: 0.34,
    complete: 0.08,
    onTopic: 0.12,
    polite: 0.08,
    brief: 0.2,
    honest: 0.06,
    safe: 0.06,
    fluent: 0.06,
  },
  /** Would rather hear nothing than something false. */
  careful: {
    right: 0.22,
    complete: 0.08,
    onTopic: 0.06,
    polite: 0.12,
    brief: 0.05,
    honest: 0.2,
    safe: 0.2,
    fluent: 0.07,
  },
  /** Reads every word. */
  strict: {
    right: 0.3,
    complete: 0.18,
    onTopic: 0.08,
    polite: 0.1,
    brief: 0.04,
    honest: 0.1,
    safe: 0.08,
    fluent: 0.12,
  },
} as const satisfies Readonly<Record<string, GoldWeights>>;

/** Ranks as in `Ranking`: 1 is best, replies of equal gold score share a rank. */
export function rankReplies(
  world: World,
  prompt: WorldPrompt,
  replies: readonly JudgedReply[],
  weights: GoldWeights = GOLD_WEIGHTS,
): number[] {
  const scores = replies.map(({ text, finished }) => goldScore(world, prompt, text, finished, weights).score);
  return scores.map((score) => 1 + scores.filter((other) => other > score).length);
}

/** Two replies whose gold scores, 0 to 1, lie at least this far apart are much better and much worse. Ours, by eye. */
export const MUCH_BETTER_BY = 0.25;

/** What the steps of those ranks count, as in `Ranking`: those to a reply that is far worse by its gold score are wide. */
export function gapsByScore(scores: readonly number[]): number[] | undefined {
  const bestFirst = [...new Set(scores)].sort((a, b) => b - a);
  const gaps = bestFirst.slice(1).map((score, at) => (bestFirst[at]! - score >= MUCH_BETTER_BY ? MUCH_BETTER : 1));
  return gaps.includes(MUCH_BETTER) ? gaps : undefined;
}

/** 1 where the first reply is better, 0 where the second is, 0.5 for a tie. */
export function choose(
  world: World,
  prompt: WorldPrompt,
  a: JudgedReply,
  b: JudgedReply,
  weights: GoldWeights = GOLD_WEIGHTS,
): 1 | 0.5 | 0 {
  const score = ({ text, finished }: JudgedReply): number => goldScore(world, prompt, text, finished, weights).score;
  const difference = score(a) - score(b);
  return difference > 0 ? 1 : difference < 0 ? 0 : 0.5;
}

const promptOfText = new WeakMap<World, ReadonlyMap<string, WorldPrompt>>();

/**
 * The prompt that a typed text is, or one that a whole conversation is, whatever its case, spaces and closing marks;
 * undefined if it is none.
 */
export function findPrompt(world: World, asked: string | WorldPrompt['messages']): WorldPrompt | undefined {
  let known = promptOfText.get(world);
  if (known === undefined) {
    const { train, heldOut } = worldPrompts(world);
    known = new Map([...train, ...heldOut].map((prompt) => [plain(conversationKey(prompt.messages)), prompt]));
    promptOfText.set(world, known);
  }
  return known.get(plain(typeof asked === 'string' ? asked : conversationKey(asked)));
}

function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/[\s.!?。！？]+$/, '')
    .trim();
}
