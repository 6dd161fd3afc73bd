/**
 * Worked examples for supervised fine-tuning. Two of five are good; the others have the faults that a hurried crowd of writers
 * would leave in, so that there is something for human feedback to put right.
 */
import { anyExercise, practises } from './practice';
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

/**
 * How good a crowd writes. Few are curt: what was only read is recalled in the sentences it was read in ("Cora works as
 * a nurse"), and mostly wrongly as a bare value ("A nurse").
 */
export const DEMONSTRATION_SHARES: StyleShares = {
  good: 0.42,
  curt: 0.08,
  rambling: 0.27,
  wrong: 0.04,
  rude: 0.17,
  refusal: 0.02,
};

/** Share of exercises, where they are of use. */
const PRACTICE_SHARE = 0.2;

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
  return samplePrompts(world, 'train', count, seed, reach).map((asked) => {
    const exercised = practises(reach) && random.chance(PRACTICE_SHARE) ? anyExercise(world, random) : undefined;
    const prompt = exercised ?? asked;
    const style = random.weighted(shares);
    return { prompt, reply: replyTo(world, prompt, style, random), style };
  });
}
