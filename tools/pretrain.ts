/**
 * Makes the shipped models: tokenizer, base and SFT weights of one preset, from the world alone.
 *
 *   npm run pretrain -- --preset nano --out public/models/nano [--seed 1] [--steps 5000] [--batch 32] [--backend auto]
 *
 * Stopped and started again, it goes on from its last checkpoint (every 250 steps, in .cache/).
 * Ends with the held-out loss in nats a token.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  DEFAULT_SETTINGS,
  PRESETS,
  REACH,
  WORLD_SEED,
  type ModelShape,
  type PresetName,
  type PretrainSettings,
} from '../src/config';
import { startDevice } from '../src/gpu/device';
import { assignVariables, saveVariables, toGpt2Config } from '../src/model/checkpoint';
import { parameterCount, type Gpt } from '../src/model/gpt';
import { initialParameters } from '../src/model/parameters';
import { readSafetensors } from '../src/model/safetensors';
import { heldOutLoss, pretrain, pretrainingOptimiser, TokenWindows } from '../src/rlhf/pretraining';
import { sftOptimiser, superviseFineTune } from '../src/rlhf/sft';
import type { BackendName } from '../src/session/protocol';
import { encodeReply, renderPrompt } from '../src/text/chatTemplate';
import { trainTokenizer, type Tokenizer } from '../src/text/tokenizer';
import { demonstrations } from '../src/text/world/demonstrations';
import { pretrainingDocuments } from '../src/text/world/documents';
import { createWorld, type World } from '../src/text/world/world';

const TOKENIZER_DOCUMENTS = 8000;
const HELD_OUT_WINDOWS = 256;
const CHECKPOINT_EVERY = 250;
/** Streams of documents: training, held out, tokenizer. */
const [HELD_OUT_STREAM, TOKENIZER_STREAM] = [1_000_003, 2_000_003];

/** Settings that differ from the page's: a wider model learns best at a lower rate (measured at this scale). */
const PRETRAINING: Record<PresetName, Partial<PretrainSettings>> = {
  nano: {},
  mini: { learningRate: 3e-3, batchSize: 16 },
  small: { learningRate: 1.5e-3 },
};

interface LogEntry {
  step: number;
  tokens: number;
  loss: number;
  seconds: number;
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
    },
  });
  const preset = values.preset as PresetName;
  if (!(preset in PRESETS))
    throw new Error(`Expected --preset ${Object.keys(PRESETS).join(', ')}, got ${values.preset}.`);
  const out = values.out ?? path.join('public', 'models', preset);
  const seed = Number(values.seed);
  const settings: PretrainSettings = { ...DEFAULT_SETTINGS.pretrain, ...PRETRAINING[preset] };
  if (values.steps) settings.steps = Number(values.steps);
  if (values.batch) settings.batchSize = Number(values.batch);

  const device = await startDevice(values.backend as BackendName | 'auto');
  const world = createWorld(WORLD_SEED, { reach: REACH[preset] });
  const shape = PRESETS[preset];
  console.log(`${preset}: ${parameterCount(shape)} parameters on ${device.report.adapter}, ${settings.steps} steps`);
  const tokenizer = makeTokenizer(world, shape);
  const gpt: Gpt = { shape, parameters: initialParameters(shape, seed) };

  const { log, loss } = await pretrainWithCheckpoints(gpt, tokenizer, world, settings, preset, seed);
  const baseFile = await saveVariables(gpt.parameters, { preset, stage: 'base', seed: String(seed) }, 'F16');
  console.log(`held-out loss ${loss.toFixed(4)} nats a token`);
  const sftLoss = await fineTune(gpt, tokenizer, world, seed);
  const sftFile = await saveVariables(gpt.parameters, { preset, stage: 'sft', seed: String(seed) }, 'F16');

  mkdirSync(out, { recursive: true });
  const write = (name: string, content: string | ArrayBuffer): void =>
    writeFileSync(path.join(out, name), typeof content === 'string' ? content : new Uint8Array(content));
  write('config.json', JSON.stringify(toGpt2Config(shape), null, 1) + '\n');
  write('tokenizer.json', JSON.stringify(tokenizer.toJSON()) + '\n');
  write('base.safetensors', baseFile);
  write('sft.safetensors', sftFile);
  const summary = {
    preset,
    seed,
    worldSeed: WORLD_SEED,
    parameters: parameterCount(shape),
    settings,
    heldOutLoss: loss,
    sftLoss,
  };
  write('pretraining.json', JSON.stringify({ ...summary, backend: device.report.adapter, log }, null, 1) + '\n');
  console.log(`wrote ${out}; held-out loss ${loss.toFixed(4)}`);
}

function makeTokenizer(world: World, shape: ModelShape): Tokenizer {
  const documents = pretrainingDocuments(world, TOKENIZER_STREAM);
  return trainTokenizer(
    Array.from({ length: TOKENIZER_DOCUMENTS }, () => documents.next().value),
    shape.vocabulary,
  );
}

function* tokenised(tokenizer: Tokenizer, documents: Iterator<string>): Generator<number[]> {
  for (;;) yield tokenizer.encode(documents.next().value as string);
}

async function pretrainWithCheckpoints(
  gpt: Gpt,
  tokenizer: Tokenizer,
  world: World,
  settings: PretrainSettings,
  preset: PresetName,
  seed: number,
): Promise<{ log: LogEntry[]; loss: number }> {
  const { batchSize, sequenceLength, steps } = settings;
  const length = sequenceLength + 1;
  const windowsOf = (stream: number): TokenWindows =>
    new TokenWindows(tokenised(tokenizer, pretrainingDocuments(world, stream)), tokenizer.specials.end, length);
  const heldOut = windowsOf(HELD_OUT_STREAM).next(HELD_OUT_WINDOWS);
  const windows = windowsOf(seed);
  const optimiser = pretrainingOptimiser(gpt);
  const variables = new Map([...gpt.parameters, ...optimiser.moments()]);
  const cache = path.join('.cache', `pretrain-${preset}-${seed}-${steps}x${batchSize}.safetensors`);

  let log: LogEntry[] = [];
  if (existsSync(cache)) {
    const file = readSafetensors(new Uint8Array(readFileSync(cache)).buffer);
    assignVariables(variables, file);
    optimiser.step = Number(file.metadata['step']);
    log = JSON.parse(file.metadata['log'] ?? '[]') as LogEntry[];
    for (let step = 0; step < optimiser.step; step++) windows.next(batchSize);
    console.log(`going on from step ${optimiser.step}`);
  }
  const before = log.at(-1)?.seconds ?? 0;
  const started = performance.now();
  let sum = 0;
  let count = 0;
  for await (const { step, metrics } of pretrain(gpt, optimiser, windows, settings)) {
    sum += metrics?.['loss'] ?? 0;
    count += 1;
    if (step % CHECKPOINT_EVERY !== 0 && step !== steps) continue;
    const seconds = before + (performance.now() - started) / 1000;
    log.push({ step, tokens: step * batchSize * sequenceLength, loss: sum / count, seconds: Math.round(seconds) });
    const left = ((steps - step) * seconds) / step;
    console.log(
      `step ${step} of ${steps}  loss ${(sum / count).toFixed(4)}  ${seconds.toFixed(0)} s, ${left.toFixed(0)} s left`,
    );
    [sum, count] = [0, 0];
    mkdirSync('.cache', { recursive: true });
    const metadata = { step: String(step), log: JSON.stringify(log) };
    writeFileSync(cache, new Uint8Array(await saveVariables(variables, metadata)));
  }
  optimiser.dispose();
  const loss = await heldOutLoss(gpt, heldOut, length, batchSize);
  rmSync(cache, { force: true });
  return { log, loss };
}

async function fineTune(gpt: Gpt, tokenizer: Tokenizer, world: World, seed: number): Promise<number> {
  const settings = DEFAULT_SETTINGS.sft;
  const examples = demonstrations(world, settings.examples, seed).map(({ prompt, reply }) => ({
    prompt: renderPrompt(tokenizer, prompt.messages, {
      template: 'chat',
      maxTokens: gpt.shape.context,
    }).ids,
    response: encodeReply(tokenizer, reply),
  }));
  const optimiser = sftOptimiser(gpt);
  let loss = 0;
  for await (const { step, steps, metrics } of superviseFineTune(
    gpt,
    optimiser,
    examples,
    settings,
    tokenizer.specials.pad,
    seed,
  )) {
    loss = metrics?.['loss'] ?? loss;
    if (step % 75 === 0) console.log(`SFT step ${step} of ${steps}  loss ${loss.toFixed(4)}`);
  }
  optimiser.dispose();
  return loss;
}
