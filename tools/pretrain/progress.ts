/** How far a pretraining has come: weights, moments, step and log in one safetensors file. */
import type * as tf from '@tensorflow/tfjs-core';
import { assignVariables, saveVariables } from '../../src/model/checkpoint';
import { readSafetensors } from '../../src/model/safetensors';

export interface LogEntry {
  step: number;
  tokens: number;
  /** Mean over the steps since the entry before, nats a token. */
  loss: number;
  /** Since the start, pauses left out. */
  seconds: number;
  /** What the model wrote then, from nothing, at temperature 1. */
  sample: string;
}

export interface Progress {
  step: number;
  log: LogEntry[];
}

/** Puts weights and moments where they belong. */
export function readProgress(bytes: Uint8Array<ArrayBuffer>, variables: ReadonlyMap<string, tf.Variable>): Progress {
  const file = readSafetensors(bytes.buffer);
  assignVariables(variables, file);
  return { step: Number(file.metadata['step']), log: JSON.parse(file.metadata['log'] ?? '[]') as LogEntry[] };
}

export async function writeProgress(
  variables: ReadonlyMap<string, tf.Variable>,
  { step, log }: Progress,
): Promise<Uint8Array> {
  return new Uint8Array(await saveVariables(variables, { step: String(step), log: JSON.stringify(log) }));
}
