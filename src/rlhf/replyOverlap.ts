/**
 * How alike a reply and a good one are in their words: BLEU (Papineni et al. 2002) and ROUGE-L (Lin 2004), by the
 * libraries bleu-score and js-rouge. They are fetched when something is compared, and not before.
 *
 * Both are of a single reply, and both take the closest of several references, as ROUGE does; the mean over replies is
 * what is reported. BLEU is of words and pairs (N = 2): replies here have a few words, most have no four that could
 * come in a row, and the library does not smooth.
 */
import { InputError } from '../errors';
import { wordsOf } from '../text/world/spoken';

export interface Overlap {
  /** 0 to 1. */
  bleu: number;
  /** F-measure of the longest common subsequence, 0 to 1. */
  rougeL: number;
}

export type OverlapJudge = (reply: string, references: readonly string[]) => Overlap;

const BLEU_ORDERS = 2;

/**
 * Fetches the libraries; what it gives is plain and quick.
 * @throws InputError where they cannot be fetched
 */
export async function overlapJudge(): Promise<OverlapJudge> {
  const [{ bleu }, { l: rougeL }] = await Promise.all([import('bleu-score'), import('js-rouge')]).catch(() => {
    throw new InputError(
      'Expected the code that compares replies, but it could not be fetched.',
      'Check the connection, then measure again.',
    );
  });
  const options = { tokenizer: (text: string) => text.split(' '), segmenter: (text: string) => [text] };
  return (reply, references) => {
    const said = spaced(reply);
    const best: Overlap = { bleu: 0, rougeL: 0 };
    if (said === '') return best;
    for (const reference of references.map(spaced)) {
      if (reference === '') continue;
      best.bleu = Math.max(best.bleu, bleu(reference, said, BLEU_ORDERS));
      best.rougeL = Math.max(best.rougeL, rougeL(said, reference, options));
    }
    return best;
  };
}

/**
 * Words and marks in lower case, one space between, as both libraries then read them.
 *
 * Each begins with a sign of its own: bleu-score counts in plain objects, which know the word "constructor" already.
 */
function spaced(text: string): string {
  return wordsOf(text)
    .filter((word) => word !== '\n')
    .map((word) => `_${word}`)
    .join(' ');
}
