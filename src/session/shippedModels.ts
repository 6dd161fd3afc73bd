/** The models that come with the page: tokenizer and weights of a preset, fetched from its own origin. */
import { PRESETS, SHIPPED_PRESETS, type PresetName } from '../config';
import { CheckpointError, NudgeError } from '../errors';
import { fromGpt2Config, type Gpt2Config } from '../model/checkpoint';
import { readSafetensors } from '../model/safetensors';
import { readTokenizer, type Tokenizer } from '../text/tokenizer';
import { trainWorldTokenizer } from '../text/world/worldTokenizer';
import type { World } from '../text/world/world';
import type { HostWeights } from './models';

export type ShippedName = 'base' | 'sft';

export interface ShippedModels {
  tokenizer: Tokenizer;
  /**
   * Fetches the weights of a model; null for a preset that has to be pretrained first. Weights are most of what the page
   * loads, and the first reply needs those of one model alone.
   */
  fetchWeights: ((name: ShippedName) => Promise<HostWeights>) | null;
}

const REMEDY = 'Check the connection and reload the page.';
const UNFIT_REMEDY =
  'Reload the page without its cache; if it happens again, the site was built from parts that do not fit.';

/**
 * Fetches all but the weights.
 *
 * @param modelsUrl folder of all presets, ends in "/"
 * @throws CheckpointError where a file is missing or of another shape; so does `fetchWeights`
 */
export async function fetchShippedModels(preset: PresetName, modelsUrl: string, world: World): Promise<ShippedModels> {
  if (!SHIPPED_PRESETS.includes(preset)) {
    return { tokenizer: trainWorldTokenizer(world, PRESETS[preset].vocabulary), fetchWeights: null };
  }
  const folder = `${modelsUrl}${preset}/`;
  const [config, tokenizer] = await Promise.all([
    fetchFile(`${folder}config.json`, (response) => response.json() as Promise<Gpt2Config>),
    fetchFile(`${folder}tokenizer.json`, (response) => response.json() as Promise<unknown>),
  ]);
  const shape = fromGpt2Config(config);
  if (JSON.stringify(shape, Object.keys(shape).sort()) !== JSON.stringify(PRESETS[preset], Object.keys(shape).sort())) {
    throw new CheckpointError(
      `Expected the shipped model ${preset} to have the shape ${JSON.stringify(PRESETS[preset])}, got ${JSON.stringify(shape)}.`,
      UNFIT_REMEDY,
    );
  }
  const fetchWeights = async (name: ShippedName): Promise<HostWeights> => {
    const url = `${folder}${name}.safetensors`;
    const bytes = await fetchFile(url, (response) => response.arrayBuffer());
    try {
      return readSafetensors(bytes).tensors;
    } catch (error) {
      if (!(error instanceof NudgeError)) throw error;
      throw new CheckpointError(`The model file ${pathOf(url)} cannot be used: ${error.message}`, UNFIT_REMEDY);
    }
  };
  return { tokenizer: readTokenizer(tokenizer), fetchWeights };
}

async function fetchFile<T>(url: string, read: (response: Response) => Promise<T>): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url);
    if (response.ok) return await read(response);
  } catch (error) {
    // The browser says no more than that: no connection, or one that broke off.
    throw new CheckpointError(`Expected the model file ${pathOf(url)}, got none: ${String(error)}.`, REMEDY);
  }
  throw new CheckpointError(`Expected the model file ${pathOf(url)}, got HTTP status ${response.status}.`, REMEDY);
}

const pathOf = (url: string): string => new URL(url).pathname;
