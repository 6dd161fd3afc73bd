/**
 * For tests: a language so small that every reply can be listed, so that expectations are sums and optima are known.
 *
 * Four words, `pad` (which a model may say, as any token) and the stop token; a reply is at most two tokens. So there
 * are N = 1 + 5 + 25 replies to the one prompt.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelShape } from '../config';
import { batchTensors, padBatch } from '../model/batch';
import type { Gpt } from '../model/gpt';
import { responseLogProbs } from '../model/responseLogProbs';
import { normalSamples } from '../ops/counterRandom';
import type { Scorer } from './scorer';

export const LANGUAGE: ModelShape = { layers: 1, width: 16, heads: 2, context: 8, vocabulary: 6 };
export const LONGEST = 2;
export const STOP = 0;
export const PAD = 1;
export const PROMPT: readonly number[] = [2, 3];

/** All N replies, each with its stop token where it has one. */
export const REPLIES: readonly (readonly number[])[] = (() => {
  const others = Array.from({ length: LANGUAGE.vocabulary - 1 }, (_, i) => i + 1);
  const two = others.flatMap((first) => [STOP, ...others].map((second) => [first, second]));
  return [[STOP], ...two];
})();

/** What each reply is worth, [N]: another taste for another seed. */
export const tasteOf = (seed: number): number[] => [...normalSamples(REPLIES.length, seed, 99)];

const indexOf = new Map(REPLIES.map((reply, n) => [reply.join(' '), n]));

/** Which of the N a reply is. */
export function replyIndex(reply: readonly number[]): number {
  const n = indexOf.get(reply.join(' '));
  if (n === undefined) throw new Error(`Expected a reply of the tiny language, got ${reply.join(' ')}.`);
  return n;
}

/** Pays each reply what it is worth. */
export const tasteScorer =
  (worth: readonly number[]): Scorer =>
  ({ responses }) =>
    Promise.resolve(Float32Array.from(responses, (reply) => worth[replyIndex(reply)] as number));

/** What a run of a method that samples needs besides its settings: `rows` times the one prompt. */
export const tinyRun = (seed: number, rows: number, worth: readonly number[]) => ({
  tokens: { stop: STOP, pad: PAD },
  seed,
  promptsOf: (): number[][] => Array.from({ length: rows }, () => [...PROMPT]),
  scorer: tasteScorer(worth),
  describe: (prompt: readonly number[], reply: readonly number[]) => ({
    prompt: prompt.join(' '),
    reply: reply.join(' '),
  }),
});

/** log p of every reply, [N]; their probabilities sum to 1. */
export async function logLikelihoods(gpt: Gpt): Promise<number[]> {
  const batch = padBatch(
    REPLIES.map(() => [...PROMPT]),
    REPLIES.map((reply) => [...reply]),
    PAD,
    gpt.shape.context,
  );
  const sums = tf.tidy(() => {
    const { ids, start, responseMask } = batchTensors(batch);
    const { logProbs } = responseLogProbs(gpt, ids, start, batch.promptLength, 1);
    return tf.sum(tf.mul(logProbs, responseMask), 1);
  });
  const values = [...(await sums.data())];
  sums.dispose();
  return values;
}

/** log of p* ∝ ref · exp(r / beta), the policy of the highest r - beta KL(p ‖ ref). */
export function optimum(refLogP: readonly number[], worth: readonly number[], beta: number): number[] {
  return normalised(refLogP.map((log, n) => log + (worth[n] as number) / beta));
}

/** KL(p ‖ q), nats, of log-probabilities. */
export const divergence = (p: readonly number[], q: readonly number[]): number =>
  p.reduce((sum, log, n) => sum + Math.exp(log) * (log - (q[n] as number)), 0);

export interface StatewiseMethod {
  /** What a reply's advantage counts, by its length in tokens. */
  weight(length: number): number;
  /** Whether advantages are divided by the deviation of the rewards. */
  divided: boolean;
  /** Whether the drift that is charged is that of the token which was said, or of the whole distribution. */
  drift: 'sampled' | 'exact';
}

/**
 * log of the policy at which a KL that is charged token by token as a loss holds the balance: there
 * E[w A | s, a] - beta W log pi(a | s) / ref(a | s) is the same for every token a of a state s, where W = E[w | s, a] if
 * the drift is that of the token which was said, and E[w | s] if it is that of the whole distribution. It is not p*: the
 * drift of later tokens is not charged to earlier ones.
 */
export function statewiseOptimum(
  refLogP: readonly number[],
  worth: readonly number[],
  beta: number,
  { weight, divided, drift }: StatewiseMethod,
): number[] {
  const tokens = Array.from({ length: LANGUAGE.vocabulary }, (_, token) => token);
  const after = (first: number): number[] =>
    REPLIES.flatMap((reply, n) => (reply.length === LONGEST && reply[0] === first ? [n] : []));
  const refFirst = tokens.map((a) => (a === STOP ? (refLogP[0] as number) : logSum(after(a).map((n) => refLogP[n]!))));
  const first = [...refFirst];
  let second = tokens.map((a) => (a === STOP ? [] : after(a).map((n) => refLogP[n]! - refFirst[a]!)));
  const joint = (): number[] =>
    REPLIES.map((reply) => (reply.length === 1 ? first[STOP]! : first[reply[0]!]! + second[reply[0]!]![reply[1]!]!));
  const refSecond = second.map((row) => [...row]);
  for (let round = 0; round < ROUNDS; round++) {
    const p = joint().map(Math.exp);
    const mean = p.reduce((sum, own, n) => sum + own * worth[n]!, 0);
    const variance = p.reduce((sum, own, n) => sum + own * (worth[n]! - mean) ** 2, 0);
    const scale = divided ? 1 / Math.sqrt(variance) : 1;
    const advantage = worth.map((own) => (own - mean) * scale);
    // Second tokens: each ends its reply, and all replies here have two tokens.
    second = second.map((_, a) =>
      a === STOP ? [] : normalised(after(a).map((n, b) => refSecond[a]![b]! + advantage[n]! / beta)),
    );
    // First tokens: solve E[w A | a] - beta W_a log(pi / ref) = c for the c at which pi sums to 1.
    const gain = tokens.map((a) =>
      a === STOP ? advantage[0]! : after(a).reduce((sum, n, b) => sum + Math.exp(second[a]![b]!) * advantage[n]!, 0),
    );
    const w = tokens.map((a) => weight(a === STOP ? 1 : LONGEST));
    const W = drift === 'sampled' ? w : w.map(() => w.reduce((sum, own, a) => sum + Math.exp(first[a]!) * own, 0));
    const at = (c: number): number[] => tokens.map((a) => refFirst[a]! + (w[a]! * gain[a]! - c) / (beta * W[a]!));
    let [low, high] = [-100, 100];
    for (let i = 0; i < 200; i++) {
      const middle = (low + high) / 2;
      if (logSum(at(middle)) > 0) low = middle;
      else high = middle;
    }
    const next = at((low + high) / 2);
    tokens.forEach((a) => (first[a] = DAMPING * first[a]! + (1 - DAMPING) * next[a]!));
  }
  return normalised(joint());
}

const ROUNDS = 400;
const DAMPING = 0.7;

function logSum(logs: readonly number[]): number {
  const most = Math.max(...logs);
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0));
}

function normalised(logs: readonly number[]): number[] {
  const total = logSum(logs);
  return logs.map((log) => log - total);
}
