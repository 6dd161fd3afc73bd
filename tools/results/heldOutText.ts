/** How well models predict the same held-out text, also where they cut it into other tokens. */
import type { Gpt } from '../../src/model/gpt';
import { heldOutLoss, TokenWindows } from '../../src/rlhf/pretraining';
import type { Tokenizer } from '../../src/text/tokenizer';
import { pretrainingDocuments } from '../../src/text/world/documents';
import type { World } from '../../src/text/world/world';

export interface TextPrediction {
  /** A token: comparable only between models of one tokenizer. */
  perplexity: number;
  /** Of the text itself: comparable between all models. */
  bitsPerByte: number;
}

/** A stream of documents that no model was trained on. */
const STREAM = 4_000_037;
const BATCH = 16;

/** @param windows of the length of the model's context, about the core of the town */
export async function predictText(
  gpt: Gpt,
  tokenizer: Tokenizer,
  world: World,
  windows: number,
): Promise<TextPrediction> {
  const documents = pretrainingDocuments(world, STREAM, 'core');
  let bytes = 0;
  let tokens = 0;
  const tokenised = (function* (): Generator<number[]> {
    for (;;) {
      const document = documents.next().value;
      const ids = tokenizer.encode(document);
      bytes += new TextEncoder().encode(document).length;
      tokens += ids.length + 1; // the end token is predicted as well
      yield ids;
    }
  })();
  const length = gpt.shape.context;
  const text = new TokenWindows(tokenised, tokenizer.specials.end, length).next(windows);
  const loss = await heldOutLoss(gpt, text, length, BATCH);
  return { perplexity: Math.exp(loss), bitsPerByte: (loss * tokens) / (Math.LN2 * bytes) };
}
