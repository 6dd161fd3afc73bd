/** What the address of the page asks for: `?preset=&backend=&seed=&autopilot=1&rankings=&prompts=`. */
import { LOOP, PRESETS } from '../config';
import type { PresetName } from '../config';
import type { BackendName } from '../session/protocol';

export interface Parameters {
  preset: PresetName | 'auto';
  backend: BackendName | 'auto';
  /** Null: chosen anew at each visit. */
  seed: number | null;
  autopilot: boolean;
  /** Simulated rankings that the autopilot makes. */
  rankings: number;
  /** Held-out prompts that the autopilot measures on. */
  prompts: number;
}

const BACKENDS: readonly string[] = ['webgpu', 'wasm', 'cpu'];

const isPreset = (value: string | null): value is PresetName => value !== null && Object.hasOwn(PRESETS, value);
const isBackend = (value: string | null): value is BackendName => value !== null && BACKENDS.includes(value);

/** A whole number in [min, max], or `otherwise` where the text is not one. */
function wholeNumber(text: string | null, min: number, max: number, otherwise: number): number {
  const value = text === null || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isInteger(value) && value >= min && value <= max ? value : otherwise;
}

/** Reads the query string; what it does not understand counts as not given. */
export function readParameters(query: string): Parameters {
  const given = new URLSearchParams(query);
  const preset = given.get('preset');
  const backend = given.get('backend');
  const seed = wholeNumber(given.get('seed'), 0, 2 ** 31 - 1, -1);
  return {
    preset: isPreset(preset) ? preset : 'auto',
    backend: isBackend(backend) ? backend : 'auto',
    seed: seed < 0 ? null : seed,
    autopilot: given.get('autopilot') === '1',
    rankings: wholeNumber(given.get('rankings'), 10, 5000, LOOP.rankings),
    prompts: wholeNumber(given.get('prompts'), 2, 5000, LOOP.prompts),
  };
}
