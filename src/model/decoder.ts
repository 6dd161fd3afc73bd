/**
 * Decoding as two recorded steps over memory that stays: the prompt's pass, which fills a key-value cache, and one token
 * after another, drawn on the device and fed back without the host.
 *
 * Letters: B rows, P prompt length, N capacity of the cache, C width, V vocabulary.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { SamplingSettings } from '../config';
import { type HostTensor, type Reader, Step } from '../gpu/step';
import { cachedAttention } from '../ops/cachedAttention';
import { causalAttention } from '../ops/causalAttention';
import { fillCache } from '../ops/copyInto';
import { type Draw, drawValues, sample } from '../ops/sample';
import { logits, transformer, whenDisposed, type Gpt } from './gpt';

export type Truncation = Pick<SamplingSettings, 'temperature' | 'topK' | 'topP'>;

export class Decoder {
  readonly #start: HostTensor;
  /** [B] int32, the tokens that were drawn last. */
  readonly #tokens: tf.Variable<tf.Rank.R1>;
  /** [B, N, 2C] each, keys and values of a layer. */
  readonly #caches: tf.Variable<tf.Rank.R3>[];
  readonly #prompt: Step<'ids' | 'start' | 'draw'>;
  readonly #next: Step<'start' | 'position' | 'draw'>;

  /**
   * @param rows B
   * @param capacity N, prompt and reply together
   */
  constructor(gpt: Gpt, rows: number, capacity: number, truncation: Truncation) {
    const { layers, width, heads } = gpt.shape;
    this.#start = { values: new Int32Array(rows), shape: [rows] };
    this.#tokens = tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R1>([rows], 'int32'), false));
    this.#caches = Array.from({ length: layers }, () =>
      tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R3>([rows, capacity, 2 * width]), false)),
    );
    const drawFrom = (hidden: tf.Tensor3D, draw: tf.Tensor): tf.Tensor[] => {
      const last = hidden.shape[1] - 1;
      const states = last === 0 ? hidden : tf.slice(hidden, [0, last, 0], [rows, 1, width]);
      const scores = logits(gpt, tf.reshape<tf.Rank.R2>(states, [rows, width])); // [B, V]
      const { tokens, logProb } = sample(scores, truncation, draw as tf.Tensor1D, this.#tokens);
      return [tokens, logProb];
    };
    const variables = (): tf.Variable[] => [...gpt.parameters.values(), this.#tokens, ...this.#caches];
    this.#prompt = new Step(
      'prompt',
      ({ ids, start, draw }) => {
        const hidden = transformer(gpt, ids as tf.Tensor2D, start as tf.Tensor1D, 0, (qkv, layer) => {
          fillCache(this.#caches[layer] as tf.Tensor3D, qkv);
          return causalAttention(qkv, start as tf.Tensor1D, heads);
        });
        return drawFrom(hidden, draw);
      },
      variables,
    );
    this.#next = new Step(
      'next token',
      ({ start, position, draw }) => {
        const ids = tf.reshape<tf.Rank.R2>(this.#tokens, [rows, 1]);
        const at = position as tf.Tensor1D;
        const hidden = transformer(gpt, ids, start as tf.Tensor1D, at, (qkv, layer) => {
          const flat = tf.reshape<tf.Rank.R2>(qkv, [rows, 3 * width]);
          const out = cachedAttention(flat, this.#caches[layer] as tf.Tensor3D, start as tf.Tensor1D, heads, at);
          return tf.reshape<tf.Rank.R3>(out, [rows, 1, width]);
        });
        return drawFrom(hidden, draw);
      },
      variables,
    );
  }

  /**
   * Reads the prompts and draws the first token of every row.
   * @param ids [B, P] int32, row-major
   * @param start [B] int32, first real position of each row
   * @returns reads tokens [B] and their log-probs [B]
   */
  prompt(ids: Int32Array, start: Int32Array, draw: Draw): Reader {
    const rows = start.length;
    this.#start.values = start;
    return this.#prompt.run({
      ids: { values: ids, shape: [rows, ids.length / rows] },
      start: this.#start,
      draw: { values: drawValues(draw), shape: [2] },
    });
  }

  /**
   * Draws the token after the one in column `position`.
   * @returns as `prompt`
   */
  next(position: number, draw: Draw): Reader {
    return this.#next.run({
      start: this.#start,
      position: { values: Int32Array.of(position), shape: [1] },
      draw: { values: drawValues(draw), shape: [2] },
    });
  }

  /** Dispatches of one token, once one was drawn on WebGPU. */
  get dispatchesPerToken(): number | undefined {
    return this.#next.tapes[0]?.dispatches;
  }

  dispose(): void {
    this.#prompt.dispose();
    this.#next.dispose();
    tf.dispose([this.#tokens, ...this.#caches]);
  }
}

/** Decoders of a model that are kept for the next batch of the same size; the one used longest ago goes first. */
const KEPT = 4;

const keptOf = new WeakMap<Gpt, Map<string, Decoder>>();

/**
 * Lends a decoder to `body`. On WebGPU it is kept with its recordings until the model is disposed.
 */
export async function* withDecoder<T>(
  gpt: Gpt,
  rows: number,
  capacity: number,
  truncation: Truncation,
  body: (decoder: Decoder) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  const key = [rows, capacity, truncation.temperature, truncation.topK, truncation.topP].join(' ');
  const kept = tf.getBackend() === 'webgpu' ? keptDecoders(gpt) : undefined;
  const decoder = kept?.get(key) ?? new Decoder(gpt, rows, capacity, truncation);
  kept?.delete(key); // two generations at once must not share a cache
  try {
    yield* body(decoder);
  } finally {
    if (!kept || kept !== keptOf.get(gpt) || kept.has(key)) decoder.dispose();
    else kept.set(key, decoder);
    const [oldest] = kept ?? [];
    if (kept && oldest && kept.size > KEPT) {
      kept.delete(oldest[0]);
      oldest[1].dispose();
    }
  }
}

function keptDecoders(gpt: Gpt): Map<string, Decoder> {
  let kept = keptOf.get(gpt);
  if (!kept) {
    const fresh = new Map<string, Decoder>();
    kept = fresh;
    keptOf.set(gpt, fresh);
    whenDisposed(gpt, () => {
      keptOf.delete(gpt);
      for (const decoder of fresh.values()) decoder.dispose();
    });
  }
  return kept;
}
