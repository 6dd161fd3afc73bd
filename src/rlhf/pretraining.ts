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
import { type HostTensor, Step } from '../gpu/step';
import { statesAndHead, type Gpt } from '../model/gpt';
import { gradientsOf } from '../model/lossGradients';
import { AdamW } from '../ops/adamw';
import { headCrossEntropy } from '../ops/outputHead';
import type { Tokenizer } from '../text/tokenizer';
import { pretrainingDocuments } from '../text/world/documents';
import type { World } from '../text/world/world';
import { warmupCosine } from './schedule';
import { sumOverTeam, type Team } from './team';
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

/** The pretraining text of a world in windows of `length` tokens; another stream is other text of the same world. */
export function worldWindows(world: World, tokenizer: Tokenizer, stream: number, length: number): TokenWindows {
  const documents = pretrainingDocuments(world, stream);
  const tokenised = (function* (): Generator<number[]> {
    for (;;) yield tokenizer.encode(documents.next().value);
  })();
  return new TokenWindows(tokenised, tokenizer.specials.end, length);
}

/** Windows as the loss takes them, of B rows. */
export type WindowBatch = Record<
  | 'ids' // [B, T] int32: every token of a window but the last
  | 'start' // [B] int32, zeros: windows have no padding
  | 'targets' // [B T] int32: the token after each
  | 'weights', // [B T], 1 / (B T) each
  HostTensor
>;

/**
 * Cuts inputs and targets.
 * @param windows [B, length], row-major
 * @param length T + 1
 * @param team whose members each take B / size of the rows; a token counts what it does in the whole batch
 */
export function windowBatch(windows: Int32Array, length: number, team: Team | null = null): WindowBatch {
  const members = team?.size ?? 1;
  const rows = windows.length / length / members;
  if (!Number.isInteger(rows)) throw new RangeError(`Expected a batch that ${members} can share.`);
  if (team) windows = windows.subarray(team.rank * rows * length, (team.rank + 1) * rows * length);
  const inputs = length - 1;
  const ids = new Int32Array(rows * inputs);
  const targets = new Int32Array(rows * inputs);
  for (let row = 0; row < rows; row++) {
    ids.set(windows.subarray(row * length, row * length + inputs), row * inputs);
    targets.set(windows.subarray(row * length + 1, (row + 1) * length), row * inputs);
  }
  return {
    ids: { values: ids, shape: [rows, inputs] },
    start: { values: new Int32Array(rows), shape: [rows] },
    targets: { values: targets, shape: [targets.length] },
    weights: { values: new Float32Array(targets.length).fill(1 / (members * targets.length)), shape: [targets.length] },
  };
}

/** Mean cross-entropy of a batch of windows, nats a token. */
export function languageModelLoss(
  gpt: Gpt,
  { ids, start, targets, weights }: Record<keyof WindowBatch, tf.Tensor>,
): tf.Scalar {
  const { hidden, wte } = statesAndHead(gpt, ids as tf.Tensor2D, start as tf.Tensor1D);
  const flat = tf.reshape<tf.Rank.R2>(hidden, [targets.size, gpt.shape.width]);
  return headCrossEntropy(flat, wte, targets as tf.Tensor1D, weights as tf.Tensor1D, gpt.maxLogitsBytes);
}

/** Mean cross-entropy over held-out windows, in nats a token; exp of it is the perplexity. */
export async function heldOutLoss(gpt: Gpt, windows: Int32Array, length: number, batchSize: number): Promise<number> {
  const rows = windows.length / length;
  const step = new Step<keyof WindowBatch>(
    'held-out loss',
    (batch) => [languageModelLoss(gpt, batch)],
    () => gpt.parameters.values(),
  );
  let total = 0;
  for (let row = 0; row < rows; row += batchSize) {
    const count = Math.min(batchSize, rows - row);
    const [loss] = await step.read(windowBatch(windows.subarray(row * length, (row + count) * length), length));
    total += (loss?.[0] as number) * count;
  }
  step.dispose();
  return total / rows;
}

/**
 * One optimiser step; gives the loss and the norm of its gradient.
 * @param team of which each member has its share of the batch
 */
export function pretrainingStep(
  gpt: Gpt,
  optimiser: AdamW,
  team: Team | null = null,
): Step<keyof WindowBatch | 'numbers'> {
  return new Step(
    'pretraining',
    ({ numbers, ...batch }) => {
      const { loss, gradients } = optimiser.differentiate(() =>
        gradientsOf(gpt.parameters, () => languageModelLoss(gpt, batch)),
      );
      if (team) sumOverTeam(team, [loss, ...gradients.values()]);
      return [loss, optimiser.update(gradients, numbers as tf.Tensor1D)];
    },
    () => gpt.parameters.values(),
  );
}

/**
 * Trains `gpt` in place and yields after every step.
 * @param optimiser continues from its own step, so that a stopped run goes on
 * @param windows read one batch ahead, while the device works
 * @param team every member is given the same windows and takes the same steps
 * @throws NonFiniteError; the weights are then for the caller to restore
 */
export async function* pretrain(
  gpt: Gpt,
  optimiser: AdamW,
  windows: TokenWindows,
  settings: PretrainSettings,
  team: Team | null = null,
): AsyncGenerator<TrainingStep> {
  const { steps, batchSize, sequenceLength, learningRate, warmupSteps } = settings;
  const step = pretrainingStep(gpt, optimiser, team);
  const nextBatch = (): WindowBatch => windowBatch(windows.next(batchSize), sequenceLength + 1, team);
  try {
    let batch = nextBatch();
    while (optimiser.step < steps) {
      const rate = warmupCosine(learningRate, optimiser.step, steps, warmupSteps);
      const numbers = { values: optimiser.advance(rate), shape: [3] };
      const reading = step.read({ ...batch, numbers });
      if (optimiser.step < steps) batch = nextBatch();
      const [loss, norm] = (await reading).map(([value]) => value) as [number, number];
      if (!Number.isFinite(loss + norm)) throw new NonFiniteError('The pretraining loss', optimiser.step);
      yield {
        step: optimiser.step,
        steps,
        phase: 'reading',
        metrics: {
          loss,
          perplexity: Math.exp(loss),
          grad_norm: norm,
          learning_rate: rate,
          num_tokens: optimiser.step * batchSize * sequenceLength,
        },
      };
    }
  } finally {
    step.dispose();
  }
}
