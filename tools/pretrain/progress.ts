/** How far a pretraining has come: weights, moments, step and log in one safetensors file. */
import { createHash } from 'node:crypto';
import type * as tf from '@tensorflow/tfjs-core';
import type { ModelShape, PretrainSettings } from '../../src/config';
import { assignVariables, saveVariables } from '../../src/model/checkpoint';
import { readSafetensors } from '../../src/model/safetensors';
import type { Tokenizer } from '../../src/text/tokenizer';
import { pretrainingDocuments } from '../../src/text/world/documents';
import type { World } from '../../src/text/world/world';

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

/** Documents that stand for the whole text. */
const KEY_DOCUMENTS = 500;

/** Another shape, recipe, tokenizer or text is another run: its checkpoint is not this one's to go on from. */
export function runKey(shape: ModelShape, settings: PretrainSettings, tokenizer: Tokenizer, world: World): string {
  const documents = pretrainingDocuments(world, 0);
  const text = Array.from({ length: KEY_DOCUMENTS }, () => documents.next().value);
  const run = JSON.stringify([shape, settings, tokenizer.toJSON(), text]);
  return createHash('sha256').update(run).digest('hex').slice(0, 12);
}
