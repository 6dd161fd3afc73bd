/** What `pretraining.json` says of a run, beside the weights that came of it. */
import type { PretrainSettings, SftSettings } from '../../src/config';
import type { LogEntry } from './progress';

export interface PretrainingSummary {
  preset: string;
  seed: number;
  worldSeed: number;
  reach: 'core' | 'town';
  parameters: number;
  settings: PretrainSettings;
  /** Nats a token. */
  heldOutLoss: number;
  sft: SftSettings;
  /** Of the last step, nats a token of the reply. */
  sftLoss: number;
  sftSeconds: number;
  /** What it was computed on, in words, and SFT, where that was made apart. */
  backend: string;
  sftBackend?: string;
  log: LogEntry[];
}
