/** The models that an experiment is made with, read from the files that `npm run pretrain` writes. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PRESETS, REACH, WORLD_SEED, type ModelShape, type PresetName } from '../../src/config';
import { fromGpt2Config, type Gpt2Config } from '../../src/model/checkpoint';
import { parameterCount } from '../../src/model/gpt';
import { readSafetensors } from '../../src/model/safetensors';
import { Models, type HostWeights } from '../../src/session/models';
import type { Workshop } from '../../src/session/workshop';
import { readTokenizer } from '../../src/text/tokenizer';
import { createWorld } from '../../src/text/world/world';
import type { PretrainingSummary } from '../pretrain/summary';

/** What a result says of a model, so that anyone can tell which one it was. */
export interface ModelFacts {
  preset: string;
  parameters: number;
  /** Tokens it was pretrained on. */
  tokens: number;
  reach: 'core' | 'town';
  /** Nats a token of held-out text, as its pretraining measured it. */
  heldOutLoss: number | null;
  /** SHA-256 of each file, in hex. */
  files: Record<string, string>;
}

export interface LoadedModels {
  workshop: Workshop;
  facts: ModelFacts;
}

const MODEL_FILES = ['config.json', 'tokenizer.json', 'base.safetensors', 'sft.safetensors'] as const;

/**
 * Base and SFT model of a preset.
 *
 * @param models the folder of all presets, or that of this one
 * @throws Error where a file is missing or of another shape than the preset's
 */
export function loadModels(preset: PresetName, models: string): LoadedModels {
  const own = path.join(models, preset);
  const folder = existsSync(own) ? own : models;
  const read = (name: string): Buffer<ArrayBuffer> => {
    const file = path.join(folder, name);
    if (!existsSync(file))
      throw new Error(`Expected ${file}. Make it with: npm run pretrain -- --preset ${preset} --out ${folder}`);
    return readFileSync(file) as Buffer<ArrayBuffer>;
  };
  const shape = fromGpt2Config(JSON.parse(read('config.json').toString()) as Gpt2Config);
  if (!sameShape(shape, PRESETS[preset])) {
    const [is, due] = [shape, PRESETS[preset]].map((one) => JSON.stringify(one));
    throw new Error(`Expected ${folder} to hold ${preset}, ${due}, got ${is}. Pretrain it again.`);
  }
  const workshop: Workshop = {
    models: new Models(shape),
    tokenizer: readTokenizer(JSON.parse(read('tokenizer.json').toString())),
    world: createWorld(WORLD_SEED, { reach: REACH[preset] }),
  };
  for (const role of ['base', 'sft'] as const) {
    workshop.models.load(role, weightsIn(read(`${role}.safetensors`)), 'shipped');
  }
  const summary = JSON.parse(read('pretraining.json').toString()) as PretrainingSummary;
  return {
    workshop,
    facts: {
      preset,
      parameters: parameterCount(shape),
      tokens: summary.settings.steps * summary.settings.batchSize * summary.settings.sequenceLength,
      reach: REACH[preset],
      heldOutLoss: summary.heldOutLoss,
      files: Object.fromEntries(MODEL_FILES.map((name) => [name, sha256(read(name))])),
    },
  };
}

/** The tensors of a safetensors file. */
export function weightsIn(bytes: Buffer<ArrayBuffer>): HostWeights {
  return readSafetensors(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)).tensors;
}

export const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

const sameShape = (a: ModelShape, b: ModelShape): boolean =>
  (Object.keys(b) as (keyof ModelShape)[]).every((key) => a[key] === b[key]);
