/**
 * Results of the field, looked for in the town's models: a command each.
 *
 *   npm run results -- small-beats-large --small nano --large midi --seeds 5
 *   npm run results -- steps-help --preset nano
 *   npm run results -- instruction-data --preset nano
 *   npm run results -- methods --preset nano                           (--only ILQL: that one alone)
 *   npm run results -- over-optimisation | kl-controller | best-of-n | alignment-tax | labels-needed | is-rl-needed
 *   npm run results -- random-walks
 *   npm run results -- ten-prompts --preset mini
 *   npm run results -- report                                          (--help says all)
 *
 * What was measured goes to results/*.json, and from there to RESULTS.md, its figures and the README.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { PresetName } from '../src/config';
import { NudgeError } from '../src/errors';
import { saveVariables } from '../src/model/checkpoint';
import type { Gpt } from '../src/model/gpt';
import type { DeviceReport } from '../src/session/protocol';
import { startFastestDevice } from './pretrain/fastestDevice';
import {
  instructionDataPlan,
  loopPlan,
  readResultsArguments,
  smallBeatsLargePlan,
  stepsHelpPlan,
  USAGE,
  type ResultsOptions,
} from './results/arguments';
import { withMethods } from './results/addedMethods';
import { alignmentTax, alignmentTaxPlan } from './results/alignmentTax';
import { bestOfNPlan, bestOfNResult } from './results/bestOfNResult';
import { instructionData } from './results/instructionData';
import { isRlNeeded, isRlNeededPlan } from './results/isRlNeeded';
import { klControl, klControlPlan } from './results/klControl';
import { labelsNeeded, labelsNeededPlan } from './results/labelsNeeded';
import { piecesOfLoop, trainPolicy, type LoopOutcome } from './results/loop';
import { compareMethods, METHOD_NAMES, type Methods, methodsPlan } from './results/methods';
import { loadModels, sha256, weightsIn, type LoadedModels } from './results/models';
import { overOptimisation, overOptimisationPlan } from './results/overOptimisation';
import { Progress } from './results/progress';
import { measureRandomWalks, randomWalksPlan } from './results/randomWalks';
import { madeHere, stored } from './results/records';
import { resultsReport, writeReport, type StoredResult } from './results/report';
import { tenPromptsBlock } from './results/sections/tenPrompts';
import { codeFingerprint, seedBySeed, type SeedsRecord, type SeedStore } from './results/seedBySeed';
import { smallBeatsLarge } from './results/smallBeatsLarge';
import { stepsHelp } from './results/stepsHelp';
import { tenPrompts, type TenPrompts } from './results/tenPrompts';

/** Ends with 2 where an argument or a file cannot be used. */
export async function main(args: string[]): Promise<void> {
  try {
    const options = readResultsArguments(args);
    if (options === null) console.log(USAGE);
    else if (options.command === 'report') sayWritten(writeReport('.'));
    else await run(options);
  } catch (error) {
    if (!(error instanceof NudgeError)) throw error;
    console.error(`${error.message}\n${error.remedy}`);
    process.exitCode = 2;
  }
}

async function run(options: ResultsOptions): Promise<void> {
  const { report: device } = await startFastestDevice(options.backend);
  console.error(`On ${device.adapter}`);
  if (options.command === 'policy') {
    await makePolicy(options);
    return;
  }
  const { record: found, seconds } = await measureAll(options, device.backend);
  const made = madeHere(device satisfies DeviceReport, seconds, options.quick);
  const record = withStored({ ...found, made } as StoredResult, options);
  console.log(record.result === 'ten-prompts' ? tenPromptsBlock(record) : resultsReport([record], {}).markdown);
  if (options.json === null) return;
  mkdirSync(path.dirname(path.resolve(options.json)), { recursive: true });
  writeFileSync(options.json, stored(record));
  sayWritten([options.json]);
  if (path.dirname(path.resolve(options.json)) === path.resolve('results')) sayWritten(writeReport('.'));
}

/** Some methods alone join those that were measured before, where there are any. */
function withStored(record: StoredResult, { only, json }: ResultsOptions): StoredResult {
  if (record.result !== 'methods' || only.length === METHOD_NAMES.length || !json || !existsSync(json)) return record;
  const before = JSON.parse(readFileSync(json, 'utf8')) as Methods;
  return withMethods(before, JSON.parse(stored(record)) as Methods);
}

/** Over all seeds, or the one of the ten prompts. */
async function measureAll(options: ResultsOptions, backend: string): Promise<{ record: object; seconds: number }> {
  const started = performance.now();
  if (options.command === 'ten-prompts') {
    return { record: await askTenPrompts(options), seconds: (performance.now() - started) / 1000 };
  }
  return seedBySeed(
    options.seeds,
    storeOf(options, backend),
    (seed) => measure({ ...options, seeds: [seed] }),
    console.error,
  );
}

/** What the numbers of a seed depend on. */
function storeOf(options: ResultsOptions, backend: string): SeedStore | null {
  const { cache, command, preset, small, large, models, rankings, only, labeler, prompts, quick } = options;
  if (cache === null) return null;
  const presets = command === 'small-beats-large' ? [small, large] : command === 'random-walks' ? [] : [preset];
  const files = presets.map((one) => load(one, models).facts.files);
  const request = [command, presets, rankings, only, labeler, prompts, quick, backend];
  return { folder: path.join(cache, command), key: sha256(JSON.stringify([request, files, codeFingerprint()])) };
}

const loaded = new Map<PresetName, LoadedModels>();

/** The models of a preset, once for all seeds. */
function load(preset: PresetName, folder: string): LoadedModels {
  const known = loaded.get(preset) ?? loadModels(preset, folder);
  loaded.set(preset, known);
  return known;
}

function measure(options: ResultsOptions): Promise<SeedsRecord> {
  const { small, large, preset, models, cache } = options;
  switch (options.command) {
    case 'small-beats-large':
      return smallBeatsLarge(load(small, models), load(large, models), smallBeatsLargePlan(options));
    case 'steps-help':
      return stepsHelp(load(preset, models), stepsHelpPlan(options), cache);
    case 'instruction-data':
      return instructionData(load(preset, models), instructionDataPlan(options), cache);
    case 'methods':
      return compareMethods(
        load(preset, models),
        methodsPlan(preset, options.seeds, options.rankings, options.quick),
        undefined,
        undefined,
        options.only,
      );
    case 'over-optimisation':
      return overOptimisation(load(preset, models), overOptimisationPlan(preset, options.seeds, options.quick));
    case 'kl-controller':
      return klControl(load(preset, models), klControlPlan(preset, options.seeds, options.rankings, options.quick));
    case 'best-of-n':
      return bestOfNResult(load(preset, models), bestOfNPlan(preset, options.seeds, options.rankings, options.quick));
    case 'alignment-tax':
      return alignmentTax(
        load(preset, models),
        alignmentTaxPlan(preset, options.seeds, options.rankings, options.quick),
      );
    case 'labels-needed':
      return labelsNeeded(load(preset, models), labelsNeededPlan(preset, options.seeds, options.quick));
    case 'is-rl-needed':
      return isRlNeeded(load(preset, models), isRlNeededPlan(preset, options.seeds, options.rankings, options.quick));
    case 'random-walks':
      return measureRandomWalks(randomWalksPlan(options.seeds, options.quick));
    default:
      throw new RangeError(`Nothing is measured by ${options.command}.`);
  }
}

async function askTenPrompts(options: ResultsOptions): Promise<Omit<TenPrompts, 'made'>> {
  const { preset, models: folder, policy: file, temperature, seed } = options;
  const models = loadModels(preset, folder);
  let policy: TenPrompts['policy'];
  if (file === null) {
    policy = { plan: loopPlan(options), outcome: await tune(models, options) };
  } else {
    const bytes = readFileSync(file);
    models.workshop.models.load('policy', weightsIn(bytes), 'trained');
    policy = { file: path.basename(file), sha256: sha256(bytes) };
  }
  return { ...(await tenPrompts(models, { preset, temperature, seed })), policy };
}

async function makePolicy(options: ResultsOptions): Promise<void> {
  const models = loadModels(options.preset, options.models);
  const outcome = await tune(models, options);
  console.log(JSON.stringify(outcome, null, 1));
  const out = options.out as string;
  const gpt = models.workshop.models.gpt('policy') as Gpt;
  const metadata = { preset: options.preset, stage: 'policy', seed: String(options.seed) };
  mkdirSync(path.dirname(path.resolve(out)), { recursive: true });
  writeFileSync(out, new Uint8Array(await saveVariables(gpt.parameters, metadata)));
  sayWritten([out]);
}

function tune({ workshop }: LoadedModels, options: ResultsOptions): Promise<LoopOutcome> {
  const plan = loopPlan(options);
  const progress = new Progress(piecesOfLoop(plan));
  return trainPolicy(workshop, plan, (what, pieces) => progress.advance(what, pieces));
}

function sayWritten(files: readonly string[]): void {
  for (const file of files) console.error(`wrote ${file}`);
}
