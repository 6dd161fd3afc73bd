/** A run that was cut short: what its checkpoints say so that it can go on, and what is read from them. */
import type { SafetensorsFile } from '../model/safetensors';
import type { VariantChoices } from '../ops/kernelVariants';
import type { CheckpointFile, StartRequest } from './protocol';
import type { SavedState } from './stage';

export interface InterruptedRun {
  /** All that it was started with, what it learns from included. */
  request: StartRequest;
  /** The kernels that it began with: others round otherwise. */
  kernels: VariantChoices;
  /** Of the whole run. */
  steps: number;
  saved: SavedState;
}

/** For every checkpoint of a run that is going on, beside what `Run` itself says there. */
export const metadataToGoOn = ({
  request,
  kernels,
}: Pick<InterruptedRun, 'request' | 'kernels'>): Record<string, string> => ({
  request: JSON.stringify(request),
  kernels: JSON.stringify(kernels),
});

/** The run whose last checkpoint a file is, with what was read from it; null for a file from which none can go on. */
export function interruptedRun(
  { final, step }: Pick<CheckpointFile, 'final' | 'step'>,
  { tensors, metadata }: SafetensorsFile,
): InterruptedRun | null {
  if (final || !metadata['request'] || !metadata['kernels']) return null;
  return {
    request: { ...(JSON.parse(metadata['request']) as StartRequest), startPaused: false },
    kernels: JSON.parse(metadata['kernels']) as VariantChoices,
    steps: Number(metadata['steps']),
    saved: {
      step,
      weights: tensors,
      numbers: JSON.parse(metadata['numbers'] ?? '{}') as Record<string, number>,
    },
  };
}
