/**
 * The tokenizer of a world: learned from its own pretraining text.
 */
import { trainTokenizer, type Tokenizer } from '../tokenizer';
import { pretrainingDocuments } from './documents';
import type { Circle, World } from './world';

/** Enough that every word of the town comes up many times. */
const DOCUMENTS_READ = 8000;
const DOCUMENTS_SEED = 2_000_003;

/**
 * Learns a tokenizer of `vocabularySize` tokens from the world's documents, in about half a second; the same world
 * and size always give the same tokenizer.
 */
export function trainWorldTokenizer(world: World, vocabularySize: number, reach: Circle = world.reach): Tokenizer {
  return trainTokenizer(firstDocuments(world, reach), vocabularySize);
}

function* firstDocuments(world: World, reach: Circle): Generator<string> {
  const documents = pretrainingDocuments(world, DOCUMENTS_SEED, reach);
  for (let i = 0; i < DOCUMENTS_READ; i++) yield documents.next().value;
}
