/**
 * Byte-level byte-pair encoding, as GPT-2: any UTF-8 text becomes token ids and comes back unchanged.
 *
 * Ids 0 to 3 are the special tokens, 4 to 259 the bytes, and the learned tokens follow. A word that is a token is that
 * token, whatever the merges would make of it (Hugging Face's `ignore_merges`, as in Llama 3). Special tokens are put in by the chat template alone: typed text that looks like one is encoded as ordinary characters.
 * Read and written as Hugging Face `tokenizer.json`.
 */
import { TokenizerError } from '../errors';
import { BYTE_CHARACTERS, bytesToCharacters, charactersToBytes, splitWords, utf8Bytes } from './byteLevel';
import { joinPair, type Merge } from './bytePairTraining';

/** Ids of the tokens that structure a conversation. */
export interface SpecialTokens {
  /** Fills up batches; never seen by a loss. */
  pad: number;
  /** Ends a reply or a document. */
  end: number;
  /** Opens a turn of the person. */
  user: number;
  /** Opens a turn of the model. */
  assistant: number;
}

/** Contents of the special tokens, in the order of their ids in our own tokenizers. */
export const SPECIAL_CONTENTS = {
  pad: '<|pad|>',
  end: '<|end|>',
  user: '<|user|>',
  assistant: '<|assistant|>',
} as const satisfies Record<keyof SpecialTokens, string>;

/** Words whose encoding is remembered; beyond it the memory starts anew. */
const CACHE_SIZE = 20_000;

/** Longest word that is remembered, in UTF-16 code units. */
const LONGEST_CACHED = 64;

/** The parts of Hugging Face's `tokenizer.json` that a byte-level BPE has. */
export interface TokenizerFile {
  version: string;
  truncation: null;
  padding: null;
  added_tokens: {
    id: number;
    content: string;
    single_word: boolean;
    lstrip: boolean;
    rstrip: boolean;
    normalized: boolean;
    special: boolean;
  }[];
  normalizer: null;
  pre_tokenizer: ByteLevelPart;
  post_processor: null;
  decoder: ByteLevelPart;
  model: {
    type: 'BPE';
    dropout: null;
    unk_token: null;
    continuing_subword_prefix: null;
    end_of_word_suffix: null;
    fuse_unk: boolean;
    byte_fallback: boolean;
    ignore_merges: boolean;
    vocab: Record<string, number>;
    merges: [string, string][];
  };
}

interface ByteLevelPart {
  type: 'ByteLevel';
  add_prefix_space: boolean;
  trim_offsets: boolean;
  use_regex: boolean;
}

const BYTE_LEVEL: ByteLevelPart = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };

export class Tokenizer {
  /** Number of ids, special tokens included (V). */
  readonly vocabularySize: number;
  readonly specials: SpecialTokens;

  readonly #merges: readonly Merge[];
  readonly #rankOfPair = new Map<string, number>();
  readonly #specialIds: ReadonlyMap<string, number>;
  readonly #idOfToken: ReadonlyMap<string, number>;
  readonly #ignoreMerges: boolean;
  readonly #bytesOfId: (Uint8Array | null)[] = [];
  readonly #cache = new Map<string, readonly number[]>();

  /**
   * @param idOfToken every token, in byte characters, with its id; ids are 0 to V - 1
   * @param merges in order of learning
   * @param specialIds contents and ids of the special tokens, which stand for no bytes; ours must be among them
   * @param ignoreMerges a word that is a token is encoded as it, whether or not merges lead there
   * @throws TokenizerError where the three do not fit together
   */
  constructor(
    idOfToken: ReadonlyMap<string, number>,
    merges: readonly Merge[],
    specialIds: ReadonlyMap<string, number>,
    ignoreMerges: boolean,
  ) {
    this.vocabularySize = idOfToken.size;
    this.specials = findSpecials(specialIds);
    this.#specialIds = specialIds;
    this.#merges = merges;
    this.#idOfToken = idOfToken;
    this.#ignoreMerges = ignoreMerges;
    for (const [token, id] of idOfToken) {
      if (!Number.isInteger(id) || id < 0 || id >= idOfToken.size || this.#bytesOfId[id] !== undefined) {
        throw new TokenizerError(
          `Expected ids 0 to ${idOfToken.size - 1}, each once, but token ${JSON.stringify(token)} has ${id}.`,
        );
      }
      const bytes = specialIds.has(token) ? null : charactersToBytes(token);
      if (bytes === null && !specialIds.has(token)) {
        throw new TokenizerError(`Expected byte-level tokens, but ${JSON.stringify(token)} stands for no bytes.`);
      }
      this.#bytesOfId[id] = bytes;
    }
    for (const character of BYTE_CHARACTERS) {
      if (!idOfToken.has(character)) {
        throw new TokenizerError(`Expected a token for every byte, but ${JSON.stringify(character)} is missing.`);
      }
    }
    merges.forEach(([left, right], rank) => {
      if (!idOfToken.has(left) || !idOfToken.has(right) || !idOfToken.has(left + right)) {
        const pair = JSON.stringify(`${left} ${right}`);
        throw new TokenizerError(`Expected merges of tokens in the vocabulary, but merge ${rank} is ${pair}.`);
      }
      this.#rankOfPair.set(`${left} ${right}`, rank);
    });
  }

  /** Ids of the text. Never a special token, whatever the text says. */
  encode(text: string): number[] {
    const ids: number[] = [];
    for (const word of splitWords(text)) {
      for (const id of this.#encodeWord(word)) ids.push(id);
    }
    return ids;
  }

  /**
   * The text of ids; special tokens are left out, and bytes that are no UTF-8 become U+FFFD.
   *
   * @param options.partial more ids will follow: a character whose last bytes are still to come is held back
   * @throws TokenizerError for an id outside the vocabulary
   */
  decode(ids: ArrayLike<number>, options: { partial?: boolean } = {}): string {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (let i = 0; i < ids.length; i++) {
      const bytes = this.#bytesOf(ids[i] ?? -1);
      if (bytes === null) continue;
      chunks.push(bytes);
      length += bytes.length;
    }
    const joined = new Uint8Array(length);
    let offset = 0;
    for (const chunk of chunks) {
      joined.set(chunk, offset);
      offset += chunk.length;
    }
    // ignoreBOM keeps a byte order mark: what goes in comes out.
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(joined, { stream: options.partial === true });
  }

  /** One token as text, for display: a special token by its name, half a character as U+FFFD. */
  decodeToken(id: number): string {
    if (this.#bytesOf(id) !== null) return this.decode([id]);
    for (const [content, specialId] of this.#specialIds) {
      if (specialId === id) return content;
    }
    return '';
  }

  /** The contents of a Hugging Face `tokenizer.json`. */
  toJSON(): TokenizerFile {
    return {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [...this.#specialIds].map(([content, id]) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: null,
      pre_tokenizer: { ...BYTE_LEVEL },
      post_processor: null,
      decoder: { ...BYTE_LEVEL },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: this.#ignoreMerges,
        vocab: Object.fromEntries(this.#idOfToken),
        merges: this.#merges.map(([left, right]) => [left, right]),
      },
    };
  }

  #bytesOf(id: number): Uint8Array | null {
    const bytes = this.#bytesOfId[id];
    if (bytes === undefined) {
      throw new TokenizerError(
        `Expected a token id from 0 to ${this.vocabularySize - 1}, got ${id}.`,
        'Use the tokenizer that belongs to this model.',
      );
    }
    return bytes;
  }

  #encodeWord(word: string): readonly number[] {
    const known = this.#cache.get(word);
    if (known !== undefined) return known;
    const ids = this.#symbolsOf(bytesToCharacters(utf8Bytes(word))).map(
      (symbol) => this.#idOfToken.get(symbol) ?? this.specials.pad,
    );
    if (word.length <= LONGEST_CACHED) {
      if (this.#cache.size >= CACHE_SIZE) this.#cache.clear();
      this.#cache.set(word, ids);
    }
    return ids;
  }

  #symbolsOf(word: string): string[] {
    if (this.#ignoreMerges && this.#idOfToken.has(word) && !this.#specialIds.has(word)) return [word];
    const symbols = [...word];
    for (;;) {
      const rank = this.#lowestRank(symbols);
      const merge = this.#merges[rank];
      if (merge === undefined) return symbols;
      joinPair(symbols, merge);
    }
  }

  /** Rank of the earliest-learned pair in the symbols; Infinity when none can be joined. */
  #lowestRank(symbols: readonly string[]): number {
    let lowest = Infinity;
    for (let i = 0; i + 1 < symbols.length; i++) {
      const rank = this.#rankOfPair.get(`${symbols[i]} ${symbols[i + 1]}`);
      if (rank !== undefined && rank < lowest) lowest = rank;
    }
    return lowest;
  }
}

function findSpecials(specialIds: ReadonlyMap<string, number>): SpecialTokens {
  const idOf = (name: keyof SpecialTokens): number => {
    const id = specialIds.get(SPECIAL_CONTENTS[name]);
    if (id === undefined) {
      throw new TokenizerError(
        `Expected a special token "${SPECIAL_CONTENTS[name]}", but there is none.`,
        'Use a tokenizer that Nudge made for chat; others do not know where a turn ends.',
      );
    }
    return id;
  };
  return { pad: idOf('pad'), end: idOf('end'), user: idOf('user'), assistant: idOf('assistant') };
}
