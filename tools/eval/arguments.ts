/** What `npm run eval` can be asked for. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { PRESETS, type PresetName } from '../../src/config';
import { InputError } from '../../src/errors';
import type { EvaluationSplit, PromptCount } from '../../src/rlhf/evaluationPrompts';
import { DEFAULT_LABELER, LABELERS } from '../../src/rlhf/labelerWeights';
import type { BackendName } from '../../src/session/protocol';
import { HELD_OUT_SIDES } from '../../src/text/world/prompts';

export interface EvaluationOptions {
  preset: PresetName;
  /** Folder of tokenizer.json, base.safetensors and sft.safetensors. */
  models: string;
  /** Safetensors file of a policy. */
  policy: string | null;
  prompts: PromptCount;
  samples: number;
  temperature: number;
  seed: number;
  labeler: string;
  split: EvaluationSplit;
  backend: BackendName | 'auto';
  json: string | null;
}

const BACKENDS = ['auto', 'webgpu', 'wasm', 'cpu'] as const;
const SPLITS: readonly EvaluationSplit[] = ['heldOut', ...HELD_OUT_SIDES];

export const USAGE = `npm run eval -- [options]

  --preset ${Object.keys(PRESETS).join('|')}   size of the model (mini)
  --models FOLDER                 tokenizer.json, base.safetensors, sft.safetensors (public/models/<preset>)
  --policy FILE.safetensors       an RLHF policy, as the page exports it
  --prompts N|all                 held-out prompts, kinds in the shares in which people ask them (600)
  --per-kind N                    instead: N prompts of each kind on each side
  --samples N                     replies to each prompt; one where the temperature is 0 (1)
  --temperature T                 0 for the likeliest reply (0)
  --seed N                        of the prompts and of everything that is drawn by chance (0)
  --labeler ${Object.keys(LABELERS).join('|')}
                                  who judges; the last four are held out from training (${DEFAULT_LABELER})
  --split ${SPLITS.join('|')}   (heldOut: all three)
  --backend ${BACKENDS.join('|')}    (auto: the fastest that there is)
  --json FILE                     also write the report as JSON
  --help`;

/**
 * @returns null where help was asked for
 * @throws InputError for what cannot be used
 */
export function readEvaluationArguments(args: string[]): EvaluationOptions | null {
  const values = parse(args);
  if (values.help) return null;
  const preset = oneOf('--preset', values.preset, Object.keys(PRESETS) as PresetName[]);
  return {
    preset,
    models: folder('--models', values.models ?? path.join('public', 'models', preset)),
    policy: values.policy === undefined ? null : existingFile('--policy', values.policy),
    prompts: promptCount(values.prompts, values['per-kind']),
    samples: number('--samples', values.samples, { least: 1, whole: true }),
    temperature: number('--temperature', values.temperature, { least: 0, whole: false }),
    seed: number('--seed', values.seed, { least: 0, whole: true }),
    labeler: oneOf('--labeler', values.labeler, Object.keys(LABELERS)),
    split: oneOf('--split', values.split, SPLITS),
    backend: oneOf('--backend', values.backend, BACKENDS),
    json: values.json === undefined ? null : writableFile('--json', values.json),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        preset: { type: 'string', default: 'mini' },
        models: { type: 'string' },
        policy: { type: 'string' },
        prompts: { type: 'string' },
        'per-kind': { type: 'string' },
        samples: { type: 'string', default: '1' },
        temperature: { type: 'string', default: '0' },
        seed: { type: 'string', default: '0' },
        labeler: { type: 'string', default: DEFAULT_LABELER },
        split: { type: 'string', default: 'heldOut' },
        backend: { type: 'string', default: 'auto' },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new InputError(error instanceof Error ? error.message : String(error), USAGE);
  }
}

function promptCount(prompts: string | undefined, perKind: string | undefined): PromptCount {
  if (prompts !== undefined && perKind !== undefined)
    throw new InputError('Expected --prompts or --per-kind, got both.', 'Leave one of them out.');
  if (perKind !== undefined) return { perKind: number('--per-kind', perKind, { least: 1, whole: true }) };
  if (prompts === 'all') return 'all';
  return number('--prompts', prompts ?? '600', { least: 2, whole: true });
}

function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new InputError(`Expected ${option} to be one of ${known.join(', ')}, got "${value}".`, 'Choose one of these.');
}

function number(option: string, text: string, { least, whole }: { least: number; whole: boolean }): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isFinite(value) && value >= least && (!whole || Number.isSafeInteger(value))) return value;
  throw new InputError(
    `Expected ${option} to be a ${whole ? 'whole ' : ''}number from ${least} on, got "${text}".`,
    `For example: ${option} ${Math.max(least, 1)}.`,
  );
}

function folder(option: string, name: string): string {
  if (existsSync(name) && statSync(name).isDirectory()) return name;
  throw new InputError(
    `Expected ${option} to be a folder of models, got "${name}", which is none.`,
    'Make it with npm run pretrain, or name another folder.',
  );
}

function existingFile(option: string, name: string): string {
  if (existsSync(name) && statSync(name).isFile()) return name;
  throw new InputError(
    `Expected ${option} to be a safetensors file, got "${name}", which is no file.`,
    'Export the policy in the page, under Train, and name the file that was saved.',
  );
}

/** Found out before minutes of measuring, not after. */
function writableFile(option: string, name: string): string {
  const parent = path.dirname(path.resolve(name));
  if (existsSync(parent) && !(existsSync(name) && statSync(name).isDirectory())) return name;
  throw new InputError(
    `Expected ${option} to be a file in a folder that exists, got "${name}".`,
    `Make ${parent} first.`,
  );
}
