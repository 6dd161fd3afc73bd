/**
 * Reads a Hugging Face `tokenizer.json`, checking everything that our tokenizer relies on.
 */
import { TokenizerError } from '../errors';
import type { Merge } from './bytePairTraining';
import { Tokenizer } from './bytePairTokenizer';

type JsonObject = Record<string, unknown>;

/**
 * A tokenizer from the parsed contents of `tokenizer.json`.
 *
 * @throws TokenizerError unless it is a byte-level BPE without prefix space that has our four special tokens
 */
export function readTokenizer(json: unknown): Tokenizer {
  const file = asObject(json, 'a tokenizer.json object');
  const model = asObject(file['model'], '"model"');
  // Files of before 2023 have no "type" here: BPE is told by its merges.
  if (model['type'] !== undefined && model['type'] !== 'BPE') {
    throw new TokenizerError(`Expected a model of type "BPE", got ${show(model['type'])}.`);
  }
  const preTokenizer = asObject(file['pre_tokenizer'], '"pre_tokenizer"');
  if (preTokenizer['type'] !== 'ByteLevel' || preTokenizer['add_prefix_space'] !== false) {
    throw new TokenizerError(
      `Expected a "ByteLevel" pre-tokenizer with "add_prefix_space" false, got ${show(preTokenizer)}.`,
    );
  }
  if (file['normalizer'] !== null && file['normalizer'] !== undefined) {
    throw new TokenizerError(`Expected no normalizer, got ${show(file['normalizer'])}.`);
  }
  const idOfToken = readVocabulary(model['vocab']);
  const specialIds = readSpecials(file['added_tokens'], idOfToken);
  return new Tokenizer(idOfToken, readMerges(model['merges']), specialIds, model['ignore_merges'] === true);
}

function readVocabulary(vocab: unknown): Map<string, number> {
  const idOfToken = new Map<string, number>();
  for (const [token, id] of Object.entries(asObject(vocab, '"model.vocab"'))) {
    if (typeof id !== 'number') throw new TokenizerError(`Expected an id for ${show(token)}, got ${show(id)}.`);
    idOfToken.set(token, id);
  }
  return idOfToken;
}

/** Finds the special tokens, and adds to the vocabulary those that stand only among the added tokens. */
function readSpecials(addedTokens: unknown, idOfToken: Map<string, number>): Map<string, number> {
  const specialIds = new Map<string, number>();
  if (!Array.isArray(addedTokens)) {
    throw new TokenizerError(`Expected a list of "added_tokens", got ${show(addedTokens)}.`);
  }
  for (const entry of addedTokens) {
    const { content, id } = asObject(entry, 'an added token');
    if (typeof content !== 'string' || typeof id !== 'number') {
      throw new TokenizerError(`Expected added tokens with "content" and "id", got ${show(entry)}.`);
    }
    const known = idOfToken.get(content);
    if (known !== undefined && known !== id) {
      throw new TokenizerError(`Expected one id for ${show(content)}, got ${known} and ${id}.`);
    }
    idOfToken.set(content, id);
    specialIds.set(content, id);
  }
  return specialIds;
}

/** Merges come as ["a", "b"] or, in older files, as "a b". */
function readMerges(merges: unknown): Merge[] {
  if (!Array.isArray(merges)) throw new TokenizerError(`Expected a list of "model.merges", got ${show(merges)}.`);
  return merges.map((merge: unknown): Merge => {
    const parts: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (Array.isArray(parts) && parts.length === 2) {
      const [left, right] = parts as unknown[];
      if (typeof left === 'string' && typeof right === 'string') return [left, right];
    }
    throw new TokenizerError(`Expected merges of two tokens, got ${show(merge)}.`);
  });
}

function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TokenizerError(`Expected ${what}, got ${show(value)}.`);
  }
  return value as JsonObject;
}

/** A value as short JSON, for a message. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
