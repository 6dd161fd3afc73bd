/** For tests: the world with a tokenizer of nearly bytes alone and models that take milliseconds. */
import { type ModelShape, WORLD_SEED } from '../config';
import { type Tokenizer, trainTokenizer } from '../text/tokenizer';
import { pretrainingDocuments } from '../text/world/documents';
import { createWorld, type World } from '../text/world/world';

export const TOY: ModelShape = { layers: 1, width: 16, heads: 2, context: 96, vocabulary: 320 };

const DOCUMENTS_READ = 400;

/** The same each time; about a tenth of a second. */
export function toyWorld(): { world: World; tokenizer: Tokenizer } {
  const world = createWorld(WORLD_SEED);
  const documents = pretrainingDocuments(world, 1);
  const texts = Array.from({ length: DOCUMENTS_READ }, () => documents.next().value);
  return { world, tokenizer: trainTokenizer(texts, TOY.vocabulary) };
}
