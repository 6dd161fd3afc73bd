/** What every contender is given to do: the same model, the same tokens, the same optimiser. */
import type { ModelShape } from '../../src/config';
import { uniform } from '../../src/ops/counterRandom';
import { TokenWindows } from '../../src/rlhf/pretraining';

export interface TrainingWork {
  shape: ModelShape;
  /** B, rows of a batch */
  batch: number;
  /** T, tokens of a row */
  length: number;
  /** Of the first weights and of the tokens. */
  seed: number;
}

export interface DecodingWork {
  shape: ModelShape;
  seed: number;
  /** Tokens of each prompt. */
  promptLength: number;
  /** Tokens to add to each prompt. */
  newTokens: number;
  /**
   * For those who compute the whole prefix for every token: how many of the new tokens they really compute, at lengths
   * spread evenly over the reply.
   */
  positions: number;
}

export interface PpoWork {
  shape: ModelShape;
  seed: number;
  /** Prompts of an update. */
  prompts: number;
  promptLength: number;
  newTokens: number;
  epochs: number;
  minibatch: number;
}

/** Adam, as our pretraining runs it. */
export const ADAM = { learningRate: 3e-3, beta1: 0.9, beta2: 0.98, epsilon: 1e-8 };

/** A loss that falls soon: documents use a sixteenth of the vocabulary, and count through it. */
function* documents({ shape, seed }: Pick<TrainingWork, 'shape' | 'seed'>): Generator<number[], never> {
  const used = Math.max(2, Math.floor(shape.vocabulary / 16));
  for (let document = 0; ; document++) {
    const first = Math.floor(uniform(seed, document, 0, 0) * used);
    const length = 8 + Math.floor(uniform(seed, document, 1, 0) * 24);
    yield Array.from({ length }, (_, i) => 1 + ((first + i) % used));
  }
}

/** The windows [B, T + 1] of every step, the same for all contenders. */
export function tokenWindows(work: TrainingWork): TokenWindows {
  return new TokenWindows(documents(work), 0, work.length + 1);
}

/** Windows cut into inputs [B, T] and targets [B, T]. */
export function inputsAndTargets(
  windows: Int32Array,
  batch: number,
): { inputs: Int32Array<ArrayBuffer>; targets: Int32Array<ArrayBuffer> } {
  const length = windows.length / batch;
  const inputs = new Int32Array(batch * (length - 1));
  const targets = new Int32Array(batch * (length - 1));
  for (let row = 0; row < batch; row++) {
    const window = windows.subarray(row * length, (row + 1) * length);
    inputs.set(window.subarray(0, -1), row * (length - 1));
    targets.set(window.subarray(1), row * (length - 1));
  }
  return { inputs, targets };
}

/** Prompts of one length, all different. */
export function prompts(rows: number, length: number, vocabulary: number): number[][] {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length }, (_, i) => 1 + Math.floor(uniform(0x9a0, row, 0, i) * (vocabulary - 1))),
  );
}
