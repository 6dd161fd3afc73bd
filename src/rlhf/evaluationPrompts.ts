/** Which prompts an evaluation asks: never one twice, since a greedy reply to it would be the same. */
import { InputError } from '../errors';
import { groupBy } from '../text/world/grouping';
import {
  asksForNameOverThreeTurns,
  promptsOn,
  samplePrompts,
  type HeldOutSide,
  type WorldPrompt,
} from '../text/world/prompts';
import { Random } from '../text/world/random';
import type { World } from '../text/world/world';

/**
 * A number: so many, with the kinds in the shares in which people ask them. `perKind`: so many of each kind on each
 * side, and of the names to be kept over three turns, so that each rate is equally sure. `all`: everything that there is.
 */
export type PromptCount = number | { perKind: number } | 'all';

export type EvaluationSplit = 'heldOut' | HeldOutSide;

/**
 * Draws the prompts; the same seed draws the same ones. Fewer than were asked for where there are no more.
 * @throws InputError for none
 */
export function evaluationPrompts(
  world: World,
  split: EvaluationSplit,
  count: PromptCount,
  seed: number,
): WorldPrompt[] {
  const prompts = drawn(world, split, count, seed);
  if (prompts.length > 0) return prompts;
  throw new InputError(`Expected prompts to evaluate on, got none of "${split}".`, 'Ask for at least one prompt.');
}

function drawn(world: World, split: EvaluationSplit, count: PromptCount, seed: number): WorldPrompt[] {
  if (typeof count === 'number') return [...new Set(samplePrompts(world, split, count, seed))];
  const all = promptsOn(world, split, world.reach);
  if (count === 'all') return all;
  const random = new Random(seed);
  const groups = groupBy(all, (prompt) => `${prompt.kind}/${prompt.side}/${asksForNameOverThreeTurns(prompt)}`);
  return [...groups.values()].flatMap((group) => random.shuffle(group).slice(0, count.perKind));
}
