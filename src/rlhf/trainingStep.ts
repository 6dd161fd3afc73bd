/**
 * What a stage yields: one value a step, so that whoever drives it can pause, step, stop and show it.
 */
import type { MetricValues, TrainingSample, WrittenSample } from '../session/protocol';

export interface TrainingStep {
  /** Counts from 1. */
  step: number;
  steps: number;
  phase: string;
  /** Absent in the middle of a step, when only the phase moves on. */
  metrics?: MetricValues;
  samples?: TrainingSample[];
  written?: WrittenSample[];
}
