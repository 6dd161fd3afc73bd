/**
 * The simulated labeler: ranks replies by their gold score, so that the whole loop can run, and be measured, without
 * a person.
 */
import { goldScore } from './gold';
import { worldPrompts, type WorldPrompt } from './prompts';
import type { World } from './world';

export interface JudgedReply {
  text: string;
  /** Ended with the end token. */
  finished: boolean;
}

/** Ranks as in `Ranking`: 1 is best, replies of equal gold score share a rank. */
export function rankReplies(world: World, prompt: WorldPrompt, replies: readonly JudgedReply[]): number[] {
  const scores = replies.map(({ text, finished }) => goldScore(world, prompt, text, finished).score);
  return scores.map((score) => 1 + scores.filter((other) => other > score).length);
}

/** 1 where the first reply is better, 0 where the second is, 0.5 for a tie. */
export function choose(world: World, prompt: WorldPrompt, a: JudgedReply, b: JudgedReply): 1 | 0.5 | 0 {
  const difference =
    goldScore(world, prompt, a.text, a.finished).score - goldScore(world, prompt, b.text, b.finished).score;
  return difference > 0 ? 1 : difference < 0 ? 0 : 0.5;
}

const promptOfText = new WeakMap<World, ReadonlyMap<string, WorldPrompt>>();

/** The prompt that a typed text is, whatever its case, spaces and closing marks; undefined if it is none. */
export function findPrompt(world: World, text: string): WorldPrompt | undefined {
  let known = promptOfText.get(world);
  if (known === undefined) {
    const { train, heldOut } = worldPrompts(world);
    known = new Map([...train, ...heldOut].map((prompt) => [plain(prompt.text), prompt]));
    promptOfText.set(world, known);
  }
  return known.get(plain(text));
}

function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/[\s.!?]+$/, '')
    .trim();
}
