/** The models that come with the page: tokenizer, base and SFT weights of a preset, fetched from its own origin. */
import { PRESETS, SHIPPED_PRESETS, type PresetName } from '../config';
import { CheckpointError } from '../errors';
import { fromGpt2Config, type Gpt2Config } from '../model/checkpoint';
import { readSafetensors } from '../model/safetensors';
import { readTokenizer, type Tokenizer } from '../text/tokenizer';
import { trainWorldTokenizer } from '../text/world/worldTokenizer';
import type { World } from '../text/world/world';
import type { HostWeights } from './models';

export interface ShippedModels {
  tokenizer: Tokenizer;
  /** Absent for a preset that has to be pretrained first. */
  base: HostWeights | null;
  sft: HostWeights | null;
}

/**
 * @param modelsUrl folder of all presets, ends in "/"
 * @throws CheckpointError where a file is missing or of another shape
 */
export async function fetchShippedModels(preset: PresetName, modelsUrl: string, world: World): Promise<ShippedModels> {
  if (!SHIPPED_PRESETS.includes(preset)) {
    return { tokenizer: trainWorldTokenizer(world, PRESETS[preset].vocabulary), base: null, sft: null };
  }
  const folder = `${modelsUrl}${preset}/`;
  const [config, tokenizer, base, sft] = await Promise.all([
    fetchFile(`${folder}config.json`).then((response) => response.json() as Promise<Gpt2Config>),
    fetchFile(`${folder}tokenizer.json`).then((response) => response.json() as Promise<unknown>),
    fetchFile(`${folder}base.safetensors`).then((response) => response.arrayBuffer()),
    fetchFile(`${folder}sft.safetensors`).then((response) => response.arrayBuffer()),
  ]);
  const shape = fromGpt2Config(config);
  if (JSON.stringify(shape, Object.keys(shape).sort()) !== JSON.stringify(PRESETS[preset], Object.keys(shape).sort())) {
    throw new CheckpointError(
      `Expected the shipped model ${preset} to have the shape ${JSON.stringify(PRESETS[preset])}, got ${JSON.stringify(shape)}.`,
      'Reload the page without its cache; if it happens again, the site was built from parts that do not fit.',
    );
  }
  return {
    tokenizer: readTokenizer(tokenizer),
    base: readSafetensors(base).tensors,
    sft: readSafetensors(sft).tensors,
  };
}

async function fetchFile(url: string): Promise<Response> {
  const response = await fetch(url);
  if (response.ok) return response;
  throw new CheckpointError(
    `Expected the model file ${new URL(url).pathname}, got HTTP status ${response.status}.`,
    'Check the connection and reload the page.',
  );
}
