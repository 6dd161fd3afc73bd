/**
 * Pretraining: predict the next token of running text. Radford et al. 2018, equation 1.
 *
 *   L = -1/(B T) sum log p(x_t | x_<t)
 *
 * Documents are joined by the end token and cut into windows of T + 1 tokens, each seen once. AdamW in PyTorch's form,
 * second moment 0.98, warm-up and cosine to 5% (settings measured at this scale, config.ts).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { PretrainSettings } from '../config';
import { NonFiniteError } from '../errors';
import { hiddenStates, logits, type Gpt } from '../model/gpt';
import { gradientsOf, readScalars } from '../model/lossGradients';
import { AdamW } from '../ops/adamw';
import { tokenLogProb } from '../ops/tokenLogProb';
import { warmupCosine } from './schedule';
import type { TrainingStep } from './trainingStep';

export const pretrainingOptimiser = (gpt: Gpt): AdamW =>
  new AdamW(gpt.parameters, { form: 'torch', beta2: 0.98, epsilon: 1e-8 });

/** Endless windows of `length` tokens from documents joined by the end token; the last token of one starts the next. */
export class TokenWindows {
  readonly #documents: Iterator<readonly number[]>;
  readonly #end: number;
  readonly #length: number;
  #buffer: number[] = [];

  constructor(documents: Iterator<readonly number[]>, end: number, length: number) {
    this.#documents = documents;
    this.#end = end;
    this.#length = length;
  }

  /** [count, length], row-major. */
  next(count: number): Int32Array {
    const stride = this.#length - 1;
    while (this.#buffer.length < count * stride + 1) {
      const document = this.#documents.next();
      if (document.done) throw new Error('The documents came to an end.');
      this.#buffer.push(...document.value, this.#end);
    }
    const windows = new Int32Array(count * this.#length);
    for (let i = 0; i < count; i++) {
      windows.set(this.#buffer.slice(i * stride, i * stride + this.#length), i * this.#length);
    }
    this.#buffer = this.#buffer.slice(count * stride);
    return windows;
  }
}

/** Mean cross-entropy of windows [B, T + 1], nats a token. */
export function languageModelLoss(gpt: Gpt, windows: tf.Tensor2D): tf.Scalar {
  const [batch, length] = windows.shape;
  const inputs = tf.slice(windows, [0, 0], [batch, length - 1]);
  const targets = tf.reshape<tf.Rank.R1>(tf.slice(windows, [0, 1], [batch, length - 1]), [-1]);
  const start = tf.zeros<tf.Rank.R1>([batch], 'int32');
  const hidden = tf.reshape<tf.Rank.R2>(hiddenStates(gpt, inputs, start), [batch * (length - 1), gpt.shape.width]);
  return tf.neg(tf.mean(tokenLogProb(logits(gpt, hidden), targets).logProb)) as tf.Scalar;
}

/** Mean cross-entropy over held-out windows, in nats a token; exp of it is the perplexity. */
export async function heldOutLoss(gpt: Gpt, windows: Int32Array, length: number, batchSize: number): Promise<number> {
  const rows = windows.length / length;
  let total = 0;
  for (let row = 0; row < rows; row += batchSize) {
    const count = Math.min(batchSize, rows - row);
    const loss = tf.tidy(() =>
      languageModelLoss(
        gpt,
        tf.tensor2d(windows.subarray(row * length, (row + count) * length), [count, length], 'int32'),
      ),
    );
    total += ((await loss.data())[0] as number) * count;
    loss.dispose();
  }
  return total / rows;
}

/**
 * Trains `gpt` in place and yields after every step.
 * @param optimiser continues from its own step, so that a stopped run goes on
 * @throws NonFiniteError; the weights are then for the caller to restore
 */
export async function* pretrain(
  gpt: Gpt,
  optimiser: AdamW,
  windows: TokenWindows,
  settings: PretrainSettings,
): AsyncGenerator<TrainingStep> {
  const { steps, batchSize, sequenceLength, learningRate, warmupSteps } = settings;
  while (optimiser.step < steps) {
    const rate = warmupCosine(learningRate, optimiser.step, steps, warmupSteps);
    const batch = tf.tensor2d(windows.next(batchSize), [batchSize, sequenceLength + 1], 'int32');
    const { loss, gradients } = gradientsOf(gpt.parameters, () => languageModelLoss(gpt, batch));
    const norm = optimiser.apply(gradients, rate);
    batch.dispose();
    const read = await readScalars({ loss, norm });
    if (!Number.isFinite(read.loss + read.norm)) throw new NonFiniteError('The pretraining loss', optimiser.step);
    yield {
      step: optimiser.step,
      steps,
      phase: 'reading',
      metrics: {
        loss: read.loss,
        perplexity: Math.exp(read.loss),
        grad_norm: read.norm,
        learning_rate: rate,
        num_tokens: optimiser.step * batchSize * sequenceLength,
      },
    };
  }
}
