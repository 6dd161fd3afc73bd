/**
 * What GPT-2 does to text before byte-pair merging: a reversible picture of every byte, and the cut into words.
 *
 * GPT-2 writes each of the 256 bytes as one printable character, so that a vocabulary can be stored as plain text.
 * The word pattern is GPT-2's own (`encoder.py`), the one that Hugging Face's `ByteLevel` pre-tokenizer uses.
 */

const WORD_PATTERN = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

const byteEncoder = new TextEncoder();

/** `BYTE_CHARACTERS[b]` is the printable character for byte b; all 256 differ. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  const characters: string[] = [];
  let extra = 0;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    characters.push(String.fromCodePoint(printable ? byte : 256 + extra++));
  }
  return characters;
})();

const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = new Map(
  BYTE_CHARACTERS.map((character, byte) => [character, byte]),
);

/** Cuts text into words, numbers, punctuation and white space; joined again they are the text. */
export function splitWords(text: string): string[] {
  return text.match(WORD_PATTERN) ?? [];
}

/** The UTF-8 bytes of text; a lone surrogate becomes U+FFFD, as in every UTF-8 encoder. */
export function utf8Bytes(text: string): Uint8Array {
  return byteEncoder.encode(text);
}

/** Bytes as printable characters, one a byte. */
export function bytesToCharacters(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += BYTE_CHARACTERS[byte] ?? '';
  return text;
}

/** The bytes that a token stands for, or null if it holds a character that stands for no byte. */
export function charactersToBytes(token: string): Uint8Array | null {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = BYTE_OF_CHARACTER.get(character);
    if (byte === undefined) return null;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
