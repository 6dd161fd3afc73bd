/**
 * Generation: many prompts at once, a key-value cache, sampling on the device, the next token fed back without the
 * host. The host reads every few tokens, so that text streams and a batch whose rows have all stopped ends early.
 */
import type { SamplingSettings } from '../config';
import { CancelledError, InputError } from '../errors';
import { nextMacrotask } from '../gpu/macrotask';
import { lengthMultiple, type Reader } from '../gpu/step';
import { type Lengths, padPrompts } from './batch';
import { type Scoring, withDecoder } from './decoder';
import type { Gpt } from './gpt';

export interface GenerateOptions extends SamplingSettings {
  /** Unsigned 32-bit; the same seed draws the same tokens. */
  seed: number;
  /** Ends a row. */
  stopToken: number;
  /** Fills short prompts. */
  padToken: number;
  signal?: AbortSignal;
  /** Of the policy where it is more than the model; its own logits unless given. */
  scoring?: Scoring;
  /** Of the rows; rounded up as a step wants them unless given. */
  lengths?: Lengths;
}

/** Where every row stands. */
export interface Generation {
  /** B token lists, each up to and including its stop token. */
  responses: number[][];
  /** Log-probability of each of these tokens at the temperature, under the full softmax. */
  logProbs: number[][];
  /** Whether a row ended with the stop token. */
  finished: boolean[];
}

/** Tokens between two looks of the host. */
const READ_EVERY = 8;

/**
 * Yields after each look; the last value is the whole generation.
 * @param prompts B token lists; with maxNewTokens they must fit the context
 * @throws InputError, CancelledError
 */
export async function* generate(
  gpt: Gpt,
  prompts: readonly number[][],
  options: GenerateOptions,
): AsyncGenerator<Generation> {
  const { maxNewTokens, stopToken, padToken, signal, seed } = options;
  const rows = prompts.length;
  const { context } = gpt.shape;
  const longest = Math.max(1, ...prompts.map((prompt) => prompt.length));
  const limit = Math.min(maxNewTokens, context - longest);
  if (limit < 1) {
    throw new InputError(`Expected a prompt shorter than ${context} tokens, got ${longest}.`, 'Shorten the message.');
  }
  const lengths = options.lengths ?? { multiple: lengthMultiple() };
  const { multiple = 1 } = lengths;
  const { ids, start, promptLength } = padPrompts(prompts, padToken, lengths, context - limit);
  const capacity = Math.min(Math.ceil((promptLength + limit) / multiple) * multiple, context);
  const generation: Generation = {
    responses: prompts.map(() => []),
    logProbs: prompts.map(() => []),
    finished: prompts.map(() => false),
  };
  yield* withDecoder(gpt, rows, capacity, options, async function* (decoder) {
    let drawn: Reader[] = [];
    for (let counter = 0; counter < limit; counter++) {
      if (signal?.aborted) throw new CancelledError('Writing the reply');
      const draw = { seed, counter };
      drawn.push(counter === 0 ? decoder.prompt(ids, start, draw) : decoder.next(promptLength + counter - 1, draw));
      if ((counter + 1) % READ_EVERY !== 0 && counter + 1 < limit) continue;
      await readInto(generation, drawn, stopToken);
      drawn = [];
      await nextMacrotask();
      yield generation;
      if (generation.finished.every(Boolean)) return;
    }
  });
}

/** Runs a generation to its end. */
export async function generateAll(
  gpt: Gpt,
  prompts: readonly number[][],
  options: GenerateOptions,
): Promise<Generation> {
  let last: Generation = { responses: [], logProbs: [], finished: [] };
  for await (const generation of generate(gpt, prompts, options)) last = generation;
  return last;
}

/** Reads what was drawn and appends it to the rows that have not stopped. */
async function readInto(generation: Generation, drawn: readonly Reader[], stopToken: number): Promise<void> {
  for (const [tokens, logProbs] of await Promise.all(drawn.map((read) => read()))) {
    for (let row = 0; row < generation.responses.length; row++) {
      if (generation.finished[row]) continue;
      const token = tokens?.[row] as number;
      generation.responses[row]?.push(token);
      generation.logProbs[row]?.push(logProbs?.[row] as number);
      if (token === stopToken) generation.finished[row] = true;
    }
  }
}
