/**
 * Tokenizers: learn one from text, read one from a file, use it. What one is stands in `bytePairTokenizer.ts`.
 */
import { TokenizerError } from '../errors';
import { BYTE_CHARACTERS } from './byteLevel';
import { SPECIAL_CONTENTS, Tokenizer } from './bytePairTokenizer';
import { learnTokens } from './bytePairTraining';

export { Tokenizer, type SpecialTokens, type TokenizerFile } from './bytePairTokenizer';
export { readTokenizer } from './tokenizerFile';

/** Smallest vocabulary: special tokens and one token a byte. */
export const SMALLEST_VOCABULARY = Object.keys(SPECIAL_CONTENTS).length + BYTE_CHARACTERS.length;

/**
 * Learns a tokenizer from text; the same texts always give the same one.
 *
 * Where the texts hold too few different words for so many tokens, the rest of the ids are reserved: special tokens
 * that stand for nothing, so that the vocabulary has the size that the model was built for.
 *
 * @param vocabularySize V, at least `SMALLEST_VOCABULARY`
 * @throws TokenizerError for a smaller vocabulary
 */
export function trainTokenizer(texts: Iterable<string>, vocabularySize: number): Tokenizer {
  if (!Number.isInteger(vocabularySize) || vocabularySize < SMALLEST_VOCABULARY) {
    throw new TokenizerError(
      `Expected a vocabulary of at least ${SMALLEST_VOCABULARY} tokens, got ${vocabularySize}.`,
      'Ask for a larger vocabulary.',
    );
  }
  const idOfToken = new Map<string, number>();
  const specialIds = new Map<string, number>();
  const addSpecial = (content: string): void => {
    specialIds.set(content, idOfToken.size);
    idOfToken.set(content, idOfToken.size);
  };
  for (const content of Object.values(SPECIAL_CONTENTS)) addSpecial(content);
  for (const character of BYTE_CHARACTERS) idOfToken.set(character, idOfToken.size);
  const { merges, tokens } = learnTokens(texts, vocabularySize - SMALLEST_VOCABULARY);
  for (const token of tokens) idOfToken.set(token, idOfToken.size);
  for (let n = 0; idOfToken.size < vocabularySize; n++) addSpecial(`<|reserved_${n}|>`);
  return new Tokenizer(idOfToken, merges, specialIds, true);
}
