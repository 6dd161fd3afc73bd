/** What `npm run bench` can be asked for. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const PRESETS = ['nano', 'mini', 'small'];
const CONTENDERS = ['nudge', 'tfjs', 'jax-js', 'genai-nanogpt'];
const PARTS = ['train', 'decode', 'ppo', 'kernels'];

export const USAGE = `npm run bench -- [options]

  --preset nano|mini|small   size of the model (mini)
  --quick                    fewer rounds
  --only NAME,...            of ${CONTENDERS.join(', ')} (all)
  --parts PART,...           of ${PARTS.join(', ')} (all)
  --batch ROWS --length N    of a training step (16 and 64)
  --no-subgroups             hides the feature "subgroups" from all
  --f16                      lets this engine keep operands of products in float16, where the GPU can
  --sweep                    also how the cost grows with width, layers, context and batch
  --node                     this engine alone, in Node, on the package "webgpu"
  --json FILE                also write the report as JSON
  --markdown                 also rewrite the measured part of BENCHMARKS.md
  --time-limit MINUTES       give up after so long (120)
  --help

SwiftShader, a GPU computed by the CPU, is measured by default; NUDGE_GPU=1 lets the browser see the real GPU.`;

/**
 * @param {string[]} args
 * @returns {{ options: ReturnType<typeof read> | null, problem: string }} `problem` is a sentence, empty where there is
 *   none
 */
export function readBenchArguments(args) {
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
      preset: { type: 'string', default: 'mini' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: CONTENDERS.join(',') },
      parts: { type: 'string', default: PARTS.join(',') },
      batch: { type: 'string', default: '16' },
      length: { type: 'string', default: '64' },
      'no-subgroups': { type: 'boolean', default: false },
      f16: { type: 'boolean', default: false },
      sweep: { type: 'boolean', default: false },
      node: { type: 'boolean', default: false },
      json: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      'time-limit': { type: 'string', default: '120' },
      help: { type: 'boolean', default: false },
    },
  });
  const [preset] = someOf('--preset', values.preset, PRESETS);
  return {
    /** What the page is told; see BenchOptions. */
    bench: {
      preset,
      quick: values.quick,
      contenders: values.node ? ['nudge'] : someOf('--only', values.only, CONTENDERS),
      parts: [...someOf('--parts', values.parts, PARTS), ...(values.sweep ? ['growth'] : [])],
      batch: wholeNumber('--batch', values.batch, 1, 4096),
      length: wholeNumber('--length', values.length, 2, 4096),
      subgroups: !values['no-subgroups'],
      f16: values.f16,
    },
    node: values.node,
    json: values.json === undefined ? null : writableFile('--json', values.json),
    markdown: values.markdown,
    timeLimit: wholeNumber('--time-limit', values['time-limit'], 1, 10_000),
    help: values.help,
  };
}

function someOf(name, text, known) {
  const wanted = text.split(',');
  const unknown = wanted.filter((word) => !known.includes(word));
  if (unknown.length > 0) throw new Error(`${name} takes ${known.join(', ')}; got "${unknown.join(',')}".`);
  return known.filter((word) => wanted.includes(word));
}

function wholeNumber(name, text, min, max) {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`${name} takes a whole number from ${min} to ${max}; got "${text}".`);
}

/** Found out before minutes of timing, not after. */
function writableFile(name, file) {
  const folder = path.dirname(path.resolve(file));
  if (!existsSync(folder)) throw new Error(`${name} is to be in ${folder}, which does not exist. Make it first.`);
  if (existsSync(file) && statSync(file).isDirectory()) throw new Error(`${name} takes a file; ${file} is a folder.`);
  return path.resolve(file);
}
