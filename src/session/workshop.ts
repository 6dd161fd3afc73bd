/** What every stage works with. */
import type { Tokenizer } from '../text/tokenizer';
import type { World } from '../text/world/world';
import type { Models } from './models';

export interface Workshop {
  models: Models;
  tokenizer: Tokenizer;
  world: World;
}
