/** What every stage works with. */
import type { Tokenizer } from '../text/tokenizer';
import type { World } from '../text/world/world';
import type { Models } from './models';

/** Scores replies by a function that the page runs. */
export type AskReward = (code: string, items: { prompt: string; reply: string }[]) => Promise<number[]>;

export interface Workshop {
  models: Models;
  tokenizer: Tokenizer;
  world: World;
  /** None where there is no page, as in Node. */
  askReward?: AskReward;
}
