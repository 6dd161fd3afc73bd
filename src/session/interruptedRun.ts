/** A run that was cut short: what its checkpoints say so that it can go on, and what is read from them. */
import type { SafetensorsFile } from '../model/safetensors';
import { unknownVariants, type VariantChoices } from '../ops/kernelVariants';
import type { Models } from './models';
import type { CheckpointFile, Fingerprints, StartRequest } from './protocol';
import { modelsOf } from './runFile';
import type { SavedState } from './stage';

export interface InterruptedRun {
  /** All that it was started with, what it learns from included. */
  request: StartRequest;
  /** The kernels that it began with: others round otherwise, as does another adapter. */
  kernels: VariantChoices;
  adapter: string;
  /** The models that it goes by, as they were when it began. */
  madeFrom: Fingerprints;
  /** Of the whole run. */
  steps: number;
  saved: SavedState;
}

/** For every checkpoint of a run that is going on, beside what `Run` itself says there. */
export const metadataToGoOn = ({
  request,
  kernels,
  adapter,
  madeFrom,
}: Pick<InterruptedRun, 'request' | 'kernels' | 'adapter' | 'madeFrom'>): Record<string, string> => ({
  request: JSON.stringify(request),
  kernels: JSON.stringify(kernels),
  adapter,
  madeFrom: JSON.stringify(madeFrom),
});

/** The models that a run goes by, beside the one that it trains. */
export function madeFrom(request: StartRequest, models: Models): Fingerprints {
  const all = models.fingerprints();
  return Object.fromEntries(
    modelsOf(request).flatMap((name) => (name === 'policy' || !all[name] ? [] : [[name, all[name]]])),
  );
}

/** Whether the models that a run goes by are still here, and not what replaced them. */
export function canGoOn(run: InterruptedRun, models: Models): boolean {
  const now = models.fingerprints();
  const unfetched = new Set<string>(models.unfetched); // and so not replaced
  return Object.entries(run.madeFrom).every(
    ([name, fingerprint]) => unfetched.has(name) || now[name as keyof Fingerprints] === fingerprint,
  );
}

/** Whether it goes on to the bit, and not up to rounding: on the adapter and with the kernels that it began with. */
export const goesOnExactly = ({ kernels, adapter }: InterruptedRun, adapterNow: string): boolean =>
  adapter === adapterNow && unknownVariants(kernels).length === 0;

/** The run whose last checkpoint a file is, with what was read from it; null for a file from which none can go on. */
export function interruptedRun(
  { final, step }: Pick<CheckpointFile, 'final' | 'step'>,
  { tensors, metadata }: SafetensorsFile,
): InterruptedRun | null {
  if (final || !metadata['request'] || !metadata['kernels']) return null;
  return {
    request: { ...(JSON.parse(metadata['request']) as StartRequest), startPaused: false },
    kernels: JSON.parse(metadata['kernels']) as VariantChoices,
    adapter: metadata['adapter'] ?? '',
    madeFrom: JSON.parse(metadata['madeFrom'] ?? '{}') as InterruptedRun['madeFrom'],
    steps: Number(metadata['steps']),
    saved: {
      step,
      weights: tensors,
      numbers: JSON.parse(metadata['numbers'] ?? '{}') as Record<string, number>,
    },
  };
}
