/**
 * Draws the next token of every row from logits: temperature, top-k, top-p, by the Gumbel-max trick (Gumbel 1954;
 * Maddison et al. 2014) on a counter-based generator whose seed is data. `tf.multinomial` is not used because its
 * first row always gives class 0 on WebGPU (tensorflow/tfjs#8057).
 *
 * token = argmax over the kept v of logits[v] / T + G(seed, counter, row, v). Temperature 0 takes the likeliest.
 * logProb is that of the token under the full softmax at the temperature (at 1 when it is 0), before top-k and top-p,
 * which is what PPO must compare with.
 */
import * as tf from '@tensorflow/tfjs-core';
import { gumbel } from './counterRandom';
import { hostFloats, hostNumbers } from './hostValues';
import { registerReference, runOperation } from './operation';

export const SAMPLE = 'NudgeSample';

export interface SampleAttributes {
  /** 0 is greedy. */
  temperature: number;
  /** 0 is off. */
  topK: number;
  /** 1 is off. */
  topP: number;
}

/** Where in the stream of random numbers a step draws. */
export interface Draw {
  /** Unsigned 32-bit. */
  seed: number;
  /** Unsigned 32-bit; another value for each step of a generation. */
  counter: number;
}

/** A draw as the data of a step. */
export const drawValues = ({ seed, counter }: Draw): Int32Array => Int32Array.of(seed | 0, counter | 0);

/**
 * @param logits [B, V], float32
 * @param draw [2] int32, from `drawValues`
 * @param kept [B] int32, where the tokens are written as well: the next step of a recorded loop begins with them
 * @returns tokens [B] int32 and their log-probabilities [B]
 */
export function sample(
  logits: tf.Tensor2D,
  attributes: SampleAttributes,
  draw: tf.Tensor1D,
  kept: tf.Tensor1D,
): { tokens: tf.Tensor1D; logProb: tf.Tensor1D } {
  const [tokens, logProb] = runOperation(SAMPLE, { logits, draw, kept }, attributes);
  return { tokens: tokens as tf.Tensor1D, logProb: logProb as tf.Tensor1D };
}

registerReference<SampleAttributes>(SAMPLE, (inputs, attributes) => {
  const logits = inputs['logits'] as tf.Tensor2D;
  const [rows, vocabulary] = logits.shape;
  const values = hostFloats(logits);
  const [seed, counter] = Uint32Array.from((inputs['draw'] as tf.Tensor).dataSync<'int32'>()) as unknown as [
    number,
    number,
  ];
  const tokens = new Int32Array(rows);
  const logProb = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const drawn = sampleRow(values.subarray(row * vocabulary, (row + 1) * vocabulary), row, {
      ...attributes,
      seed,
      counter,
    });
    tokens[row] = drawn.token;
    logProb[row] = drawn.logProb;
  }
  hostNumbers(inputs['kept'] as tf.Tensor).set(tokens);
  return [tf.tensor1d(tokens, 'int32'), tf.tensor1d(logProb)];
});

/** One row of the sampler. */
export function sampleRow(
  logits: Float32Array,
  row: number,
  { temperature, topK, topP, seed, counter }: SampleAttributes & Draw,
): { token: number; logProb: number } {
  const scale = temperature > 0 ? 1 / temperature : 1;
  let highest = -Infinity;
  for (const logit of logits) highest = Math.max(highest, logit * scale);
  let total = 0;
  for (const logit of logits) total += Math.exp(logit * scale - highest);
  const threshold = lowestKept(logits, scale, highest, total, topK, topP);
  let token = 0;
  let best = -Infinity;
  logits.forEach((logit, v) => {
    const scaled = logit * scale;
    if (scaled < threshold) return;
    const key = temperature > 0 ? scaled + gumbel(seed, counter, row, v) : scaled;
    if (key > best) {
      best = key;
      token = v;
    }
  });
  return { token, logProb: (logits[token] as number) * scale - highest - Math.log(total) };
}

/** The smallest scaled logit that top-k and top-p keep. Ties at the border are all kept. */
function lowestKept(
  logits: Float32Array,
  scale: number,
  highest: number,
  total: number,
  topK: number,
  topP: number,
): number {
  if (topK <= 0 && topP >= 1) return -Infinity;
  const sorted = Float32Array.from(logits, (logit) => logit * scale)
    .sort()
    .reverse();
  let kept = topK > 0 ? Math.min(topK, sorted.length) : sorted.length;
  if (topP < 1) {
    let mass = 0;
    let count = 0;
    while (count < kept && mass < topP) {
      mass += Math.exp((sorted[count] as number) - highest) / total;
      count += 1;
    }
    kept = count;
  }
  return sorted[kept - 1] as number;
}
