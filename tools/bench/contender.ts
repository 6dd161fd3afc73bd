/** Who takes part. Each runs in a worker of its own, on a `GPUDevice` of its own. */
import type { DecodingWork, PpoWork, TrainingWork } from './work';

export const CONTENDERS = ['nudge', 'tfjs', 'jax-js', 'genai-nanogpt'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

/** Milliseconds of the parts of one PPO update. */
export interface PpoTimes {
  rolloutMs: number;
  scoreMs: number;
  trainMs: number;
}

/** What all are started with. */
export interface ContenderOptions {
  /** False hides the feature `subgroups`. */
  subgroups: boolean;
  /** Whether operands of products may be kept in float16; this engine alone looks at it. */
  f16: boolean;
}

export interface Contender {
  /** Asks for a device of its own. */
  start(): Promise<void>;
  /** A fresh model and optimiser. */
  prepareTraining(work: TrainingWork): Promise<void>;
  /**
   * One step on the next windows: forward, backward, update, and the loss read back. Encodes before it awaits.
   * @returns the loss before the update, nats a token
   */
  trainStep(): Promise<number>;
  endTraining(): Promise<void>;
  decoding?: Decoding;
  ppo?: PpoUpdates;
  /** Whether a product kept its operands in float16 so far. */
  halfPrecisionRan?(): boolean;
  /** Best rate of a square matrix product, GFLOP/s. */
  matrixProductPeak?(): Promise<{ size: number; gflops: number }>;
}

export interface Decoding {
  prepare(work: DecodingWork): Promise<void>;
  /** Continues `rows` prompts at once; returns how many tokens were computed. */
  decode(rows: number): Promise<number>;
  end(): Promise<void>;
}

export interface PpoUpdates {
  prepare(work: PpoWork): Promise<void>;
  update(): Promise<PpoTimes>;
  end(): Promise<void>;
}
