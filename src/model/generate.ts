/**
 * Generation: many prompts at once, a key-value cache, sampling on the device, the next token fed back without the
 * host. The host reads every few tokens, so that text streams and a batch whose rows have all stopped ends early.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { SamplingSettings } from '../config';
import { CancelledError, InputError } from '../errors';
import { nextMacrotask } from '../gpu/macrotask';
import { cachedAttention } from '../ops/cachedAttention';
import { causalAttention } from '../ops/causalAttention';
import { sample } from '../ops/sample';
import { padPrompts } from './batch';
import { logits, transformer, type Gpt } from './gpt';

export interface GenerateOptions extends SamplingSettings {
  /** Unsigned 32-bit; the same seed draws the same tokens. */
  seed: number;
  /** Ends a row. */
  stopToken: number;
  /** Fills short prompts. */
  padToken: number;
  signal?: AbortSignal;
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
  const { maxNewTokens, stopToken, padToken, signal } = options;
  const { ids, start, promptLength } = padPrompts(prompts, padToken);
  const rows = prompts.length;
  const { width, context, heads } = gpt.shape;
  const limit = Math.min(maxNewTokens, context - promptLength);
  if (limit < 1) {
    throw new InputError(
      `Expected a prompt shorter than ${context} tokens, got ${promptLength}.`,
      'Shorten the message.',
    );
  }
  const generation: Generation = {
    responses: prompts.map(() => []),
    logProbs: prompts.map(() => []),
    finished: prompts.map(() => false),
  };
  const starts = tf.tensor1d(start, 'int32');
  const caches: tf.Tensor3D[] = [];
  const drawn: Draw[] = [];
  try {
    let read = 0;
    for (let step = 0; step < limit; step++) {
      if (signal?.aborted) throw new CancelledError('Writing the reply');
      const last = drawn.at(-1)?.tokens;
      drawn.push(
        tf.tidy(() => {
          const hidden = last
            ? transformer(
                gpt,
                tf.reshape<tf.Rank.R2>(last, [rows, 1]),
                starts,
                promptLength + step - 1,
                (qkv, layer) => {
                  const flat = tf.reshape<tf.Rank.R2>(qkv, [rows, 3 * width]);
                  const out = cachedAttention(
                    flat,
                    caches[layer] as tf.Tensor3D,
                    starts,
                    heads,
                    promptLength + step - 1,
                  );
                  return tf.reshape<tf.Rank.R3>(out, [rows, 1, width]);
                },
              )
            : transformer(gpt, tf.tensor2d(ids, [rows, promptLength], 'int32'), starts, 0, (qkv) => {
                caches.push(tf.keep(cacheOf(qkv, promptLength + limit)));
                return causalAttention(qkv, starts, heads);
              });
          const states = tf.slice(hidden, [0, hidden.shape[1] - 1, 0], [rows, 1, width]);
          return sample(logits(gpt, tf.reshape<tf.Rank.R2>(states, [rows, width])), { ...options, counter: step });
        }),
      );
      if ((step + 1) % READ_EVERY !== 0 && step + 1 < limit) continue;
      await readInto(generation, drawn.slice(read), stopToken);
      await nextMacrotask();
      read = drawn.length;
      yield generation;
      if (generation.finished.every(Boolean)) return;
    }
  } finally {
    tf.dispose([starts, ...caches, ...drawn.flatMap(({ tokens, logProb }) => [tokens, logProb])]);
  }
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

/** What one step drew: [B] each. */
interface Draw {
  tokens: tf.Tensor1D;
  logProb: tf.Tensor1D;
}

/** The cache after a prompt: its keys and values [B, P, 2C], with room up to `capacity` tokens. */
function cacheOf(qkv: tf.Tensor3D, capacity: number): tf.Tensor3D {
  const [batch, length, tripled] = qkv.shape;
  const width = tripled / 3;
  const keysAndValues = tf.slice(qkv, [0, 0, width], [batch, length, 2 * width]);
  return tf.pad(keysAndValues, [
    [0, 0],
    [0, capacity - length],
    [0, 0],
  ]);
}

/** Reads what was drawn in one go and appends it to the rows that have not stopped. */
async function readInto(generation: Generation, drawn: readonly Draw[], stopToken: number): Promise<void> {
  const stacked = tf.tidy(() =>
    tf.stack([...drawn.map(({ tokens }) => tf.cast(tokens, 'float32')), ...drawn.map(({ logProb }) => logProb)]),
  );
  const values = await stacked.data();
  stacked.dispose();
  const rows = generation.responses.length;
  drawn.forEach((_, step) => {
    for (let row = 0; row < rows; row++) {
      if (generation.finished[row]) continue;
      const token = values[step * rows + row] as number;
      generation.responses[row]?.push(token);
      generation.logProbs[row]?.push(values[(drawn.length + step) * rows + row] as number);
      if (token === stopToken) generation.finished[row] = true;
    }
  });
}
