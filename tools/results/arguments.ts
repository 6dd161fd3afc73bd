/** What `npm run results` can be asked for, and the plans that come of it. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DEFAULT_SETTINGS, LOOP, PRESETS, type PresetName } from '../../src/config';
import { InputError } from '../../src/errors';
import type { BackendName } from '../../src/session/protocol';
import { TRAINING_LABELERS } from '../../src/text/world/labeler';
import { recipeOf } from '../pretrain/recipe';
import type { InstructionDataPlan } from './instructionData';
import type { LoopPlan } from './loop';
import { METHOD_NAMES } from './methods';
import type { SmallBeatsLargePlan } from './smallBeatsLarge';
import type { StepsHelpPlan } from './stepsHelp';

export const COMMANDS = [
  'small-beats-large',
  'steps-help',
  'instruction-data',
  'random-walks',
  'methods',
  'over-optimisation',
  'kl-controller',
  'best-of-n',
  'alignment-tax',
  'labels-needed',
  'is-rl-needed',
  'ten-prompts',
  'policy',
  'report',
] as const;
export type CommandName = (typeof COMMANDS)[number];

/** Those that train a policy several times a seed. */
export const WITH_THREE_SEEDS: readonly CommandName[] = [
  'methods',
  'over-optimisation',
  'kl-controller',
  'best-of-n',
  'alignment-tax',
  'labels-needed',
  'is-rl-needed',
];

/** Fewer than the loop has: what tells methods apart is what they make of little. */
const METHODS_RANKINGS = 200;

const standardRankings = (command: CommandName): number =>
  command === 'methods' ? METHODS_RANKINGS : LOOP.rankings;

const BACKENDS = ['auto', 'webgpu', 'wasm', 'cpu'] as const;

export const USAGE = `npm run results -- ${COMMANDS.join('|')} [options]

  small-beats-large   a tuned small model against a large one: --small nano --large midi
  steps-help          sums with and without steps: --preset nano
  instruction-data    held-out prompts against the number of demonstrations: --preset nano
  methods             every method at equal labels: --preset nano --seeds 3
  over-optimisation   gold and score against the distance, without a leash
  kl-controller       does it hold 6 nats?
  best-of-n           under its bounds, and against PPO at equal KL
  alignment-tax       what PPO forgets, and the pretraining mix
  labels-needed       win rate against rankings; active choice
  is-rl-needed        demonstrations, DPO and PPO at equal effort
  random-walks        five methods on a task whose best is known
  ten-prompts         what a newcomer would type, to base, SFT and RLHF model: --preset mini
  policy              makes an RLHF policy and writes it to --out FILE: --preset mini
  report              RESULTS.md, its figures and the README's ten prompts, from results/*.json

  --seeds N           how many seeds, from 0 on (5; methods to is-rl-needed 3)
  --seed N            the one seed of ten-prompts and policy (0)
  --models DIR        folder of the presets, each as npm run pretrain writes it (public/models)
  --policy FILE       ten-prompts: a policy in safetensors; without it one is made
  --out FILE          policy: where to write it
  --rankings N        that the simulated labeler makes (${LOOP.rankings}; methods ${METHODS_RANKINGS})
  --only NAMES        methods: only these, separated by commas; the stored record keeps the others as they were measured
  --labeler ${Object.keys(TRAINING_LABELERS).join('|')}   who ranks what the reward model learns from (balanced)
  --prompts N         held-out prompts a seed (300; instruction-data 400)
  --temperature T     of the ten prompts' replies (0, greedy)
  --backend ${BACKENDS.join('|')}   (auto: the fastest that there is)
  --json FILE         where the result goes (results/<command>[-<presets>].json, then the report is written anew)
  --no-cache          measure anew also the seeds that .cache/results has, and keep none there
  --quick             tiny sizes, to see whether it works; nothing is stored without --json
  --help`;

export interface ResultsOptions {
  command: CommandName;
  preset: PresetName;
  small: PresetName;
  large: PresetName;
  seeds: number[];
  seed: number;
  models: string;
  policy: string | null;
  out: string | null;
  rankings: number;
  only: readonly string[];
  labeler: LoopPlan['labeler'];
  prompts: number | null;
  temperature: number;
  backend: BackendName | 'auto';
  json: string | null;
  cache: string | null;
  quick: boolean;
}

/**
 * @returns null where help was asked for
 * @throws InputError for what cannot be used
 */
export function readResultsArguments(args: string[]): ResultsOptions | null {
  const { values, positionals } = parse(args);
  if (values.help) return null;
  const command = oneOf('the command', positionals[0] ?? '', COMMANDS);
  const presets = Object.keys(PRESETS) as PresetName[];
  const preset = oneOf('--preset', values.preset ?? (command === 'ten-prompts' ? 'mini' : 'nano'), presets);
  const [small, large] = [oneOf('--small', values.small, presets), oneOf('--large', values.large, presets)];
  if (command === 'policy' && values.out === undefined)
    throw new InputError('Expected --out FILE for the policy, got none.', 'For example: --out policy.safetensors');
  if (values.policy !== undefined && !existsSync(values.policy))
    throw new InputError(
      `Expected a policy in ${values.policy}, got no such file.`,
      'Make one: npm run results -- policy',
    );
  if (values.only !== undefined && command !== 'methods')
    throw new InputError(`Expected --only with methods alone, got it with ${command}.`, 'Leave it out.');
  const standardSeeds = WITH_THREE_SEEDS.includes(command) ? '3' : '5';
  const count = number('--seeds', values.seeds ?? (values.quick ? '2' : standardSeeds), 1);
  const file = { 'small-beats-large': `${command}-${small}-${large}`, 'random-walks': command }[command as string];
  const stored = values.quick ? null : path.join('results', `${file ?? `${command}-${preset}`}.json`);
  return {
    command,
    preset,
    small,
    large,
    seeds: Array.from({ length: count }, (_, seed) => seed),
    seed: number('--seed', values.seed, 0),
    models: values.models,
    policy: values.policy ?? null,
    out: values.out ?? null,
    rankings: number('--rankings', values.rankings ?? (values.quick ? '8' : `${standardRankings(command)}`), 2),
    only: values.only?.split(',').map((name) => oneOf('--only', name.trim(), METHOD_NAMES)) ?? METHOD_NAMES,
    labeler: oneOf('--labeler', values.labeler, Object.keys(TRAINING_LABELERS) as LoopPlan['labeler'][]),
    prompts: values.prompts === undefined ? null : number('--prompts', values.prompts, 2),
    temperature: number('--temperature', values.temperature, 0, false),
    backend: oneOf('--backend', values.backend, BACKENDS),
    json: values.json ?? stored,
    cache: values['no-cache'] ? null : path.join('.cache', 'results'),
    quick: values.quick,
  };
}

export function loopPlan({ rankings, labeler, seed, quick }: ResultsOptions): LoopPlan {
  const { rewardModel, ppo } = DEFAULT_SETTINGS;
  if (!quick)
    return { seed, rankings, heldOutRankings: LOOP.heldOutRankings, labeler, settings: { rewardModel, ppo } };
  const settings = {
    rewardModel: { ...rewardModel, epochs: 1 },
    ppo: { ...ppo, updates: 1, batchSize: 8, minibatchSize: 4 },
  };
  return { seed, rankings, heldOutRankings: 4, labeler, settings };
}

export function smallBeatsLargePlan(options: ResultsOptions): SmallBeatsLargePlan {
  const { seed: _, ...loop } = loopPlan(options);
  const { seeds, prompts, quick } = options;
  return {
    seeds,
    prompts: prompts ?? (quick ? 6 : 300),
    samples: 2,
    temperature: 1,
    shots: 3,
    windows: quick ? 4 : 256,
    loop,
  };
}

export function stepsHelpPlan({ preset, seeds, prompts, quick }: ResultsOptions): StepsHelpPlan {
  const { sft } = recipeOf(preset);
  if (quick) return { preset, seeds, sft: { ...sft, examples: 16, epochs: 1 }, prompts: 8, samples: 2 };
  return { preset, seeds, sft, prompts: prompts ?? 300, samples: 4 };
}

export function instructionDataPlan({ preset, seeds, prompts, quick }: ResultsOptions): InstructionDataPlan {
  const { sft } = recipeOf(preset);
  const counts = quick ? [8, 16] : [30, 100, 300, 1000, 6000, sft.examples];
  const base = quick ? { ...sft, epochs: 1 } : sft;
  return { preset, seeds, prompts: prompts ?? (quick ? 40 : 400), shots: 3, counts, sft: base };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        preset: { type: 'string' },
        small: { type: 'string', default: 'nano' },
        large: { type: 'string', default: 'midi' },
        seeds: { type: 'string' },
        seed: { type: 'string', default: '0' },
        models: { type: 'string', default: path.join('public', 'models') },
        policy: { type: 'string' },
        out: { type: 'string' },
        rankings: { type: 'string' },
        only: { type: 'string' },
        labeler: { type: 'string', default: 'balanced' },
        prompts: { type: 'string' },
        temperature: { type: 'string', default: '0' },
        backend: { type: 'string', default: 'auto' },
        json: { type: 'string' },
        'no-cache': { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new InputError(error instanceof Error ? error.message : String(error), USAGE);
  }
}

function oneOf<T extends string>(what: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new InputError(`Expected ${what} to be one of ${known.join(', ')}, got "${value}".`, USAGE);
}

function number(option: string, text: string, least: number, whole = true): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isFinite(value) && value >= least && (!whole || Number.isSafeInteger(value))) return value;
  throw new InputError(
    `Expected ${option} to be a ${whole ? 'whole ' : ''}number from ${least} on, got "${text}".`,
    `For example: ${option} ${least}.`,
  );
}
