/**
 * What the driver of a run needs to know of a stage: how its tensors are made, what to save, and what its steps are.
 */
import type { StageName } from '../config';
import type { StoredTensor } from '../model/safetensors';
import type { Variables } from '../model/variables';
import type { TrainingStep } from '../rlhf/trainingStep';
import type { CheckpointName } from './protocol';

/** Everything needed to go on, on the host: it outlives a lost device, and is what a checkpoint file holds. */
export interface SavedState {
  /** Optimiser steps (updates, for PPO) behind it; 0 is what a run began with. */
  step: number;
  weights: ReadonlyMap<string, StoredTensor>;
  /** Step counts and coefficients. */
  numbers: Record<string, number>;
}

export interface Stage {
  readonly name: StageName;
  /** The checkpoint that it writes. */
  readonly checkpoint: CheckpointName;
  /** Steps between two saves. */
  readonly saveEvery: number;
  readonly steps: number;
  /** Makes the tensors, from a saved state or from the models as they are. */
  build(saved: SavedState | null): void;
  /** Goes on from where the tensors and numbers stand. */
  run(signal: AbortSignal): AsyncGenerator<TrainingStep>;
  /** Weights and moments, by the names of the checkpoint. */
  variables(): Variables;
  numbers(): Record<string, number>;
  setNumbers(numbers: Record<string, number>): void;
  /** Puts what was trained to use; `stage` is over after it. Called when done, and when stopped after some steps. */
  finish(): Promise<void>;
  /** Called instead of `finish` where no step counts: puts back what `build` changed of the models, if anything. */
  undo?(): void;
  /** Lets go of tensors that nothing else uses. */
  release(): void;
}
