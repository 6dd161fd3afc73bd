/** What `npm run demo` can be asked for. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const PRESETS = ['nano', 'mini', 'small'];
const BACKENDS = ['auto', 'webgpu', 'wasm', 'cpu'];

export const USAGE = `npm run demo -- [options]

  --preset nano|mini|small       size of the model (nano)
  --seed N                       of everything that is drawn by chance (0)
  --backend auto|webgpu|wasm|cpu where it is computed (auto: what the page takes by itself, which is WASM where
                                 the only GPU is one that the CPU computes; NUDGE_GPU=1 lets it see the real GPU)
  --rankings N                   that the simulated labeler makes (as many as the page lets it)
  --prompts N                    held-out prompts to measure on, two replies each (as many as the page takes)
  --json FILE                    also write the report as JSON
  --time-limit MINUTES           give up after so long (60)
  --help`;

/**
 * @param {string[]} args
 * @returns {{ options: { preset: string, seed: number, backend: string, rankings: number | null, prompts: number | null,
 *   json: string | null, timeLimit: number, help: boolean } | null, problem: string }} `problem` is a sentence, empty
 *   where there is none
 */
export function readDemoArguments(args) {
  try {
    return { options: read(args), problem: '' };
  } catch (error) {
    return { options: null, problem: `${error.message}\n\n${USAGE}` };
  }
}

function read(args) {
  const { values } = parseArgs({
    args,
    options: {
      preset: { type: 'string', default: 'nano' },
      seed: { type: 'string', default: '0' },
      backend: { type: 'string', default: 'auto' },
      rankings: { type: 'string' },
      prompts: { type: 'string' },
      json: { type: 'string' },
      'time-limit': { type: 'string', default: '60' },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    preset: oneOf('--preset', values.preset, PRESETS),
    seed: wholeNumber('--seed', values.seed, 0, 2 ** 31 - 1),
    backend: oneOf('--backend', values.backend, BACKENDS),
    rankings: wholeNumberOrNull('--rankings', values.rankings, 10, 5000),
    prompts: wholeNumberOrNull('--prompts', values.prompts, 2, 5000),
    json: values.json === undefined ? null : writableFile('--json', values.json),
    timeLimit: wholeNumber('--time-limit', values['time-limit'], 1, 10_000),
    help: values.help,
  };
}

function oneOf(name, value, known) {
  if (known.includes(value)) return value;
  throw new Error(`${name} takes ${known.join(', ')}; got "${value}".`);
}

function wholeNumber(name, text, min, max) {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`${name} takes a whole number from ${min} to ${max}; got "${text}".`);
}

const wholeNumberOrNull = (name, text, min, max) => (text === undefined ? null : wholeNumber(name, text, min, max));

/** Found out before minutes of training, not after. */
function writableFile(name, file) {
  const folder = path.dirname(path.resolve(file));
  if (!existsSync(folder)) throw new Error(`${name} is to be in ${folder}, which does not exist. Make it first.`);
  if (existsSync(file) && statSync(file).isDirectory()) throw new Error(`${name} takes a file; ${file} is a folder.`);
  return path.resolve(file);
}
