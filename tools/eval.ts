/**
 * Measures models on held-out prompts and text: what is right by kind of prompt and side, refusals, gold score and its
 * parts, perplexity, distinct-n, BLEU, ROUGE-L, win rates.
 *
 *   npm run eval -- --preset mini [--policy FILE.safetensors] [--prompts 600] [--json FILE] …     (--help says all)
 */
import { writeFileSync } from 'node:fs';
import { NudgeError } from '../src/errors';
import { parameterCount } from '../src/model/gpt';
import type { EvaluationProgress } from '../src/rlhf/evaluation';
import { readEvaluationArguments, USAGE, type EvaluationOptions } from './eval/arguments';
import { disposeModels, evaluateModels, readModels } from './eval/models';
import { evaluationTable } from './eval/table';
import { startFastestDevice } from './pretrain/fastestDevice';

/** Where lines cannot be overwritten (a log), one is written at most this often. */
const LOG_EVERY_MS = 15_000;

/** Ends with 2 where an argument or a file cannot be used. */
export async function main(args: string[]): Promise<void> {
  try {
    const options = readEvaluationArguments(args);
    if (options === null) console.log(USAGE);
    else await run(options);
  } catch (error) {
    if (!(error instanceof NudgeError)) throw error;
    console.error(`${error.message}\n${error.remedy}`);
    process.exitCode = 2;
  }
}

async function run({ preset, models: folder, policy, backend, samples, json, ...request }: EvaluationOptions) {
  const { report: device } = await startFastestDevice(backend);
  const models = readModels(preset, folder, policy);
  const parameters = Math.max(...Object.values(models.models).map(({ shape }) => parameterCount(shape)));
  const from = `${folder}${policy === null ? '' : ` and ${policy}`}`;
  console.log(`${preset}, ${parameters.toLocaleString('en')} parameters, from ${from}, on ${device.adapter}`);
  const report = await evaluateModels(models, { ...request, samplesPerPrompt: samples }, progressLine());
  disposeModels(models);
  console.log(`\n${evaluationTable(report)}\n\n${report.seconds.toFixed(0)} s`);
  if (json === null) return;
  const { backend: used, adapter } = device;
  const about = { preset, parameters, seed: request.seed, policy, backend: used, adapter };
  writeFileSync(json, `${JSON.stringify({ ...about, ...report }, null, 1)}\n`);
}

/** How far it is, on one line of a terminal, now and then in a log. */
function progressLine(): (progress: EvaluationProgress) => void {
  const { stdout } = process;
  let writtenAt = performance.now();
  return ({ what, done, total }) => {
    const words = `${what}: ${Math.round(done)} of ${total}`;
    if (stdout.isTTY) {
      stdout.write(`\r\u001b[2K${done < total ? words : ''}`);
    } else if (performance.now() - writtenAt > LOG_EVERY_MS) {
      writtenAt = performance.now();
      console.log(words);
    }
  };
}
