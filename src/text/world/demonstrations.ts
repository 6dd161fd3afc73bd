/**
 * Worked examples for supervised fine-tuning. Some four in nine are good; the others have the faults that a hurried crowd of writers
 * would leave in, so that there is something for human feedback to put right.
 */
import { samplePrompts, type WorldPrompt } from './prompts';
import { Random } from './random';
import { replyTo, type ReplyStyle } from './replies';
import type { Circle, World } from './world';

export interface WorldDemonstration {
  prompt: WorldPrompt;
  reply: string;
  style: ReplyStyle;
}

export type StyleShares = Readonly<Record<ReplyStyle, number>>;

/** How good a crowd writes. */
export const DEMONSTRATION_SHARES: StyleShares = {
  good: 0.44,
  curt: 0.17,
  rambling: 0.15,
  wrong: 0.1,
  rude: 0.12,
  refusal: 0.02,
};

export interface DemonstrationOptions {
  /** The core alone, or the whole town. */
  reach?: Circle;
  shares?: StyleShares;
}

/** Demonstrations for prompts of the training side; the same seed gives the same ones. */
export function demonstrations(
  world: World,
  count: number,
  seed: number,
  { reach = world.reach, shares = DEMONSTRATION_SHARES }: DemonstrationOptions = {},
): WorldDemonstration[] {
  const random = new Random(seed + 1);
  return samplePrompts(world, 'train', count, seed, reach).map((prompt) => {
    const style = random.weighted(shares);
    return { prompt, reply: replyTo(world, prompt, style, random), style };
  });
}
