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

/** What tokens are drawn from, where it is not the model's own logits. */
export interface Scoring {
  /** The model whose states are wanted as well: another, which reads along with a cache of its own, or the model itself. */
  beside: Gpt;
  /**
   * What the policy is the softmax of.
   * @param own [B, C], the model's states of the last tokens
   * @param beside [B, C], those of the model beside
   * @returns [B, V]
   */
  scores: (own: tf.Tensor2D, beside: tf.Tensor2D) => tf.Tensor2D;
  /** What it reads of neither model's parameters. */
  variables: () => readonly tf.Variable[];
}

export class Decoder {
  readonly #start: HostTensor;
  /** [B] int32, the tokens that were drawn last. */
  readonly #tokens: tf.Variable<tf.Rank.R1>;
  readonly #readers: readonly Reading[];
  readonly #prompt: Step<'ids' | 'start' | 'draw'>;
  readonly #next: Step<'start' | 'position' | 'draw'>;

  /**
   * @param rows B
   * @param capacity N, prompt and reply together
   * @param scoring the model's own logits unless given
   */
  constructor(gpt: Gpt, rows: number, capacity: number, truncation: Truncation, scoring?: Scoring) {
    this.#start = { values: new Int32Array(rows), shape: [rows] };
    this.#tokens = tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R1>([rows], 'int32'), false));
    const readers = [...new Set([gpt, scoring?.beside ?? gpt])].map((one) => new Reading(one, rows, capacity));
    this.#readers = readers;
    const drawFrom = (states: readonly tf.Tensor2D[], draw: tf.Tensor): tf.Tensor[] => {
      const [own, beside = own] = states as [tf.Tensor2D, tf.Tensor2D?];
      const scores = scoring ? scoring.scores(own, beside) : logits(gpt, own); // [B, V]
      const { tokens, logProb } = sample(scores, truncation, draw as tf.Tensor1D, this.#tokens);
      return [tokens, logProb];
    };
    const variables = (): tf.Variable[] => [
      ...readers.flatMap((reader) => reader.variables()),
      ...(scoring?.variables() ?? []),
      this.#tokens,
    ];
    this.#prompt = new Step(
      'prompt',
      ({ ids, start, draw }) => {
        const states = readers.map((reader) => reader.prompt(ids as tf.Tensor2D, start as tf.Tensor1D));
        return drawFrom(states, draw);
      },
      variables,
    );
    this.#next = new Step(
      'next token',
      ({ start, position, draw }) => {
        const ids = tf.reshape<tf.Rank.R2>(this.#tokens, [rows, 1]);
        const states = readers.map((reader) => reader.next(ids, start as tf.Tensor1D, position as tf.Tensor1D));
        return drawFrom(states, draw);
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
    this.#tokens.dispose();
    for (const reader of this.#readers) reader.dispose();
  }
}

/** A model and the keys and values of what it has read. */
class Reading {
  readonly #gpt: Gpt;
  readonly #rows: number;
  /** [B, N, 2C] each, keys and values of a layer. */
  readonly #caches: tf.Variable<tf.Rank.R3>[];

  constructor(gpt: Gpt, rows: number, capacity: number) {
    const { layers, width } = gpt.shape;
    this.#gpt = gpt;
    this.#rows = rows;
    this.#caches = Array.from({ length: layers }, () =>
      tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R3>([rows, capacity, 2 * width]), false)),
    );
  }

  /** @returns [B, C], the states of the prompts' last tokens */
  prompt(ids: tf.Tensor2D, start: tf.Tensor1D): tf.Tensor2D {
    const { width, heads } = this.#gpt.shape;
    const hidden = transformer(this.#gpt, ids, start, 0, (qkv, layer) => {
      fillCache(this.#caches[layer] as tf.Tensor3D, qkv);
      return causalAttention(qkv, start, heads);
    });
    const last = hidden.shape[1] - 1;
    const states = last === 0 ? hidden : tf.slice(hidden, [0, last, 0], [this.#rows, 1, width]);
    return tf.reshape(states, [this.#rows, width]);
  }

  /** @param ids [B, 1], the tokens at `position` @returns [B, C], their states */
  next(ids: tf.Tensor2D, start: tf.Tensor1D, position: tf.Tensor1D): tf.Tensor2D {
    const { width, heads } = this.#gpt.shape;
    const hidden = transformer(this.#gpt, ids, start, position, (qkv, layer) => {
      const flat = tf.reshape<tf.Rank.R2>(qkv, [this.#rows, 3 * width]);
      const out = cachedAttention(flat, this.#caches[layer] as tf.Tensor3D, start, heads, position);
      return tf.reshape<tf.Rank.R3>(out, [this.#rows, 1, width]);
    });
    return tf.reshape(hidden, [this.#rows, width]);
  }

  variables(): tf.Variable[] {
    return [...this.#gpt.parameters.values(), ...this.#caches];
  }

  dispose(): void {
    tf.dispose(this.#caches);
  }
}

/** Decoders of a model that are kept for the next batch of the same size; the one used longest ago goes first. */
const KEPT = 4;

const keptOf = new WeakMap<Gpt, Map<string, Decoder>>();

/**
 * Lends a decoder to `body`. On WebGPU it is kept with its recordings until the model is disposed, unless it has a
 * scoring of its own.
 */
export async function* withDecoder<T>(
  gpt: Gpt,
  rows: number,
  capacity: number,
  { scoring, ...truncation }: Truncation & { scoring?: Scoring },
  body: (decoder: Decoder) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  const key = [rows, capacity, truncation.temperature, truncation.topK, truncation.topP].join(' ');
  const kept = tf.getBackend() === 'webgpu' && !scoring ? keptDecoders(gpt) : undefined;
  const decoder = kept?.get(key) ?? new Decoder(gpt, rows, capacity, truncation, scoring);
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
