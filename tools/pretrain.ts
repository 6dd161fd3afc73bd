/**
 * Makes the shipped models: tokenizer, base and SFT weights of one preset, from the world and a seed alone.
 *
 *   npm run pretrain -- --preset nano [--out public/models/nano] [--seed 1] [--backend auto] [--threads N]
 *
 * Stopped and started again, it goes on from its last checkpoint (in .cache/, every 250 steps and after the last).
 * Ends with the held-out loss in nats a token. `--from-base` makes the SFT model alone, from the base model in `--out`; it
 * comes to the same bits as the whole run, for SFT begins with the stored 16-bit weights either way. `--steps`, `--batch`, `--demonstrations` and `--checkpoint-every` change
 * the recipe, for trials.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { PRESETS, REACH, WORLD_SEED, type PresetName } from '../src/config';
import { assignVariables, saveVariables, toGpt2Config } from '../src/model/checkpoint';
import { parameterCount, type Gpt } from '../src/model/gpt';
import { initialParameters } from '../src/model/parameters';
import { readSafetensors } from '../src/model/safetensors';
import { heldOutLoss, pretrain, pretrainingOptimiser, worldWindows } from '../src/rlhf/pretraining';
import { sampleResponses } from '../src/rlhf/rollout';
import { fineTuneOnDemonstrations, sftOptimiser, tokenisedExample } from '../src/rlhf/sft';
import type { Team } from '../src/rlhf/team';
import type { TrainingStep } from '../src/rlhf/trainingStep';
import type { BackendName } from '../src/session/protocol';
import type { Tokenizer } from '../src/text/tokenizer';
import { demonstrations } from '../src/text/world/demonstrations';
import { createWorld, type World } from '../src/text/world/world';
import { trainWorldTokenizer } from '../src/text/world/worldTokenizer';
import { startFastestDevice } from './pretrain/fastestDevice';
import { writeModelCard } from './pretrain/modelCard';
import { readProgress, runKey, writeProgress, type LogEntry } from './pretrain/progress';
import { recipeOf, type Recipe } from './pretrain/recipe';
import type { PretrainingSummary } from './pretrain/summary';
import { gatherTeam, threadsHere } from './pretrain/threads';

const HELD_OUT_WINDOWS = 256;
const SAMPLE_TOKENS = 48;
/** The documents that the loss is held out on are a stream of their own. */
const HELD_OUT_STREAM = 1_000_003;

/** What is made, with what, and by whom. */
interface Making {
  preset: PresetName;
  seed: number;
  recipe: Recipe;
  gpt: Gpt;
  tokenizer: Tokenizer;
  world: World;
  team: Team | null;
  /** Says something, unless this is a thread that another speaks for. */
  say: (line: string) => void;
  cache: string;
  checkpointEvery: number;
}

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      preset: { type: 'string', default: 'nano' },
      out: { type: 'string' },
      seed: { type: 'string', default: '1' },
      steps: { type: 'string' },
      batch: { type: 'string' },
      backend: { type: 'string', default: 'auto' },
      threads: { type: 'string' },
      demonstrations: { type: 'string' },
      'from-base': { type: 'boolean', default: false },
      'checkpoint-every': { type: 'string', default: '250' },
    },
  });
  const preset = values.preset as PresetName;
  if (!(preset in PRESETS))
    throw new Error(`Expected --preset ${Object.keys(PRESETS).join(', ')}, got ${values.preset}.`);
  const out = values.out ?? path.join('public', 'models', preset);
  const seed = wholeNumber('--seed', values.seed, 0);
  const recipe = recipeOf(preset);
  if (values.steps) recipe.pretrain.steps = wholeNumber('--steps', values.steps, 1);
  if (values.batch) recipe.pretrain.batchSize = wholeNumber('--batch', values.batch, 1);
  if (values.demonstrations) recipe.sft.examples = wholeNumber('--demonstrations', values.demonstrations, 1);
  const checkpointEvery = wholeNumber('--checkpoint-every', values['checkpoint-every'], 1);

  const { report } = await startFastestDevice(values.backend as BackendName | 'auto');
  const shape = PRESETS[preset];
  const parameters = parameterCount(shape);
  const threads = report.backend === 'webgpu' ? 1 : wholeNumber('--threads', values.threads ?? `${threadsHere()}`, 1);
  const { team, leads, end } = gatherTeam(threads, parameters + 1, args);
  const say = leads ? console.log : () => undefined;
  const device = threads > 1 ? `${report.adapter} in each of ${threads} processes` : report.adapter;
  say(`${preset}: ${parameters} parameters on ${device}, ${recipe.pretrain.steps} steps`);

  const world = createWorld(WORLD_SEED, { reach: REACH[preset] });
  const tokenizer = trainWorldTokenizer(world, shape.vocabulary);
  const gpt: Gpt = { shape, parameters: initialParameters(shape, seed) };
  const cache = path.join(
    '.cache',
    `pretrain-${preset}-${seed}-${runKey(shape, recipe.pretrain, tokenizer, world)}.safetensors`,
  );
  const making: Making = { preset, seed, recipe, gpt, tokenizer, world, team, say, cache, checkpointEvery };

  const earlier = values['from-base'] ? readBase(out, preset, tokenizer) : null;
  const { log, loss } = earlier ?? (await pretrainWithCheckpoints(making));
  const base = { preset, stage: 'base', seed: String(seed) };
  const baseFile = earlier?.file ?? (await saveVariables(gpt.parameters, base, 'F16'));
  assignVariables(gpt.parameters, readSafetensors(baseFile));
  say(`held-out loss ${loss.toFixed(4)} nats a token`);
  const { loss: sftLoss, seconds: sftSeconds } = await fineTune(making);
  if (leads) {
    const sftFile = await saveVariables(gpt.parameters, { preset, stage: 'sft', seed: String(seed) }, 'F16');
    mkdirSync(out, { recursive: true });
    const write = (name: string, content: string | ArrayBuffer): void =>
      writeFileSync(path.join(out, name), typeof content === 'string' ? content : new Uint8Array(content));
    write('config.json', JSON.stringify(toGpt2Config(shape), null, 1) + '\n');
    write('tokenizer.json', JSON.stringify(tokenizer.toJSON()) + '\n');
    if (!earlier) write('base.safetensors', baseFile);
    write('sft.safetensors', sftFile);
    const summary = { preset, seed, worldSeed: WORLD_SEED, reach: world.reach, parameters, settings: recipe.pretrain };
    const where = { backend: earlier?.backend ?? device, sftBackend: device };
    const measured = { heldOutLoss: loss, sft: recipe.sft, sftLoss, sftSeconds, ...where, log };
    write('pretraining.json', JSON.stringify({ ...summary, ...measured }, null, 1) + '\n');
    rmSync(cache, { force: true });
  }
  await end();
  if (leads) await writeModelCard(preset, out);
  say(`wrote ${out}; held-out loss ${loss.toFixed(4)}`);
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new Error(`Expected ${option} to be a whole number from ${least} on, got ${text}.`);
  return value;
}

/** What an earlier run left in a folder. @throws Error where it is another model than today's text would make */
function readBase(
  folder: string,
  preset: PresetName,
  tokenizer: Tokenizer,
): { file: ArrayBuffer; log: LogEntry[]; loss: number; backend: string } {
  const read = (name: string): Buffer => {
    const file = path.join(folder, name);
    if (!existsSync(file)) throw new Error(`Expected ${file}, got no such file. Pretrain without --from-base first.`);
    return readFileSync(file);
  };
  const own = JSON.stringify(tokenizer.toJSON());
  if (JSON.stringify(JSON.parse(read('tokenizer.json').toString())) !== own)
    throw new Error(
      `Expected the base model in ${folder} to be of today's text, got one of another. Pretrain ${preset} anew.`,
    );
  const { log, heldOutLoss, backend } = JSON.parse(read('pretraining.json').toString()) as PretrainingSummary;
  return { file: new Uint8Array(read('base.safetensors')).buffer, log, loss: heldOutLoss, backend };
}

async function pretrainWithCheckpoints(making: Making): Promise<{ log: LogEntry[]; loss: number }> {
  const { gpt, tokenizer, world, seed, team, say, cache, checkpointEvery } = making;
  const settings = making.recipe.pretrain;
  const { batchSize, sequenceLength, steps } = settings;
  const length = sequenceLength + 1;
  const heldOut = worldWindows(world, tokenizer, HELD_OUT_STREAM, length).next(HELD_OUT_WINDOWS);
  const windows = worldWindows(world, tokenizer, seed, length);
  const optimiser = pretrainingOptimiser(gpt);
  const variables = new Map([...gpt.parameters, ...optimiser.moments()]);

  let log: LogEntry[] = [];
  if (existsSync(cache)) {
    const progress = readProgress(new Uint8Array(readFileSync(cache)), variables);
    optimiser.step = progress.step;
    log = progress.log;
    for (let step = 0; step < optimiser.step; step++) windows.next(batchSize);
    say(`going on from step ${optimiser.step}`);
  }
  const before = log.at(-1)?.seconds ?? 0;
  const started = performance.now();
  let sum = 0;
  let count = 0;
  for await (const { step, metrics } of pretrain(gpt, optimiser, windows, settings, team)) {
    sum += metrics?.['loss'] ?? 0;
    count += 1;
    if (step % checkpointEvery !== 0 && step !== steps) continue;
    if (team === null || team.rank === 0) {
      const seconds = before + (performance.now() - started) / 1000;
      const sample = await sampleText(making, step);
      const tokens = step * batchSize * sequenceLength;
      log.push({ step, tokens, loss: sum / count, seconds: Math.round(seconds), sample });
      const left = Math.round(((steps - step) * seconds) / step);
      say(`step ${step} of ${steps}  loss ${(sum / count).toFixed(4)}  ${seconds.toFixed(0)} s, ${left} s left`);
      say(`  ${sample.replaceAll('\n', ' / ')}`);
      mkdirSync(path.dirname(cache), { recursive: true });
      writeFileSync(cache, await writeProgress(variables, { step, log }));
    }
    [sum, count] = [0, 0];
  }
  optimiser.dispose();
  return { log, loss: await heldOutLoss(gpt, heldOut, length, batchSize) };
}

/** What the model writes at temperature 1, from nothing. */
async function sampleText({ gpt, tokenizer }: Making, seed: number): Promise<string> {
  const { end, pad } = tokenizer.specials;
  const sampling = { temperature: 1, maxNewTokens: SAMPLE_TOKENS, seed };
  const { responses } = await sampleResponses(gpt, [[end]], { stop: end, pad }, sampling);
  return tokenizer.decode((responses[0] ?? []).filter((token) => token !== end)).trim();
}

async function fineTune(making: Making): Promise<{ loss: number; seconds: number }> {
  const { gpt, tokenizer, world, seed, team, say, recipe } = making;
  const examples = demonstrations(world, recipe.sft.examples, seed).map(({ prompt, reply }) =>
    tokenisedExample(tokenizer, prompt.messages, reply, gpt.shape.context),
  );
  const optimiser = sftOptimiser(gpt);
  const started = performance.now();
  let last: TrainingStep | null = null;
  let sum = 0;
  for await (const training of fineTuneOnDemonstrations(
    gpt,
    optimiser,
    examples,
    recipe.sft,
    tokenizer.specials.pad,
    seed,
    team,
  )) {
    last = training;
    const { step, steps, metrics } = training;
    sum += metrics?.['loss'] ?? 0;
    if (step % 75 !== 0) continue;
    say(`SFT step ${step} of ${steps}  loss ${(sum / 75).toFixed(4)}`);
    sum = 0;
  }
  optimiser.dispose();
  return { loss: last?.metrics?.['loss'] ?? NaN, seconds: Math.round((performance.now() - started) / 1000) };
}
