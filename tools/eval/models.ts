/** Models from files, and what is measured of them: for `npm run eval` and for what is written about the models. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { MAX_RESPONSE_TOKENS, PRESETS, REACH, WORLD_SEED, type ModelShape, type PresetName } from '../../src/config';
import { CheckpointError } from '../../src/errors';
import { fromGpt2Config, loadGpt, type Gpt2Config } from '../../src/model/checkpoint';
import { disposeGpt } from '../../src/model/gpt';
import { evaluate, type EvaluationModels, type EvaluationProgress } from '../../src/rlhf/evaluation';
import type { EvaluationRequest } from '../../src/rlhf/evaluation';
import type { EvaluationReport, ModelRole } from '../../src/session/protocol';
import { readTokenizer } from '../../src/text/tokenizer';
import { createWorld } from '../../src/text/world/world';

const FILES: Record<Exclude<ModelRole, 'policy'>, string> = { base: 'base.safetensors', sft: 'sft.safetensors' };

/**
 * Reads what there is of base and SFT model, and the policy. The device has to be started; `disposeModels` when done.
 *
 * @param folder with tokenizer.json, base.safetensors or sft.safetensors or both, and mostly config.json
 * @throws CheckpointError, TokenizerError
 */
export function readModels(preset: PresetName, folder: string, policy: string | null = null): EvaluationModels {
  const tokenizerFile = path.join(folder, 'tokenizer.json');
  if (!existsSync(tokenizerFile))
    throw new CheckpointError(
      `Expected ${tokenizerFile}, got no such file.`,
      `Make the models with npm run pretrain -- --preset ${preset}, or name their folder with --models.`,
    );
  const shape = PRESETS[preset];
  const tokenizer = readTokenizer(JSON.parse(readFileSync(tokenizerFile, 'utf8')));
  if (tokenizer.vocabularySize !== shape.vocabulary || !isShape(shape, folder))
    throw new CheckpointError(
      `Expected models of the shape ${JSON.stringify(shape)}, ${preset}'s, got others in ${folder}.`,
      'Name the preset that they are of with --preset.',
    );
  const models: EvaluationModels['models'] = {};
  const read = (role: ModelRole, file: string): void => {
    models[role] = loadGpt(shape, new Uint8Array(readFileSync(file)).buffer);
  };
  for (const [role, name] of Object.entries(FILES) as [keyof typeof FILES, string][])
    if (existsSync(path.join(folder, name))) read(role, path.join(folder, name));
  if (policy !== null) read('policy', policy);
  if (Object.keys(models).length === 0)
    throw new CheckpointError(
      `Expected ${Object.values(FILES).join(' or ')} in ${folder}, got neither.`,
      `Make them with npm run pretrain -- --preset ${preset}.`,
    );
  return { models, rewardModels: [], tokenizer, world: createWorld(WORLD_SEED, { reach: REACH[preset] }) };
}

export function disposeModels({ models }: EvaluationModels): void {
  for (const gpt of Object.values(models)) disposeGpt(gpt);
}

/** What config.json says, where there is one. */
function isShape(shape: ModelShape, folder: string): boolean {
  const file = path.join(folder, 'config.json');
  if (!existsSync(file)) return true;
  const found = fromGpt2Config(JSON.parse(readFileSync(file, 'utf8')) as Gpt2Config);
  return (Object.keys(shape) as (keyof ModelShape)[]).every((key) => shape[key] === found[key]);
}

export type MeasureRequest = Omit<EvaluationRequest, 'maxNewTokens'>;

/**
 * Measures models that are in memory, on the device that was started.
 *
 * @param onprogress called many times a minute
 * @throws InputError, as `evaluate`
 */
export async function evaluateModels(
  models: EvaluationModels,
  request: MeasureRequest,
  onprogress: (progress: EvaluationProgress) => void = () => undefined,
): Promise<EvaluationReport> {
  let report: EvaluationReport | undefined;
  for await (const progress of evaluate(models, { ...request, maxNewTokens: MAX_RESPONSE_TOKENS })) {
    onprogress(progress);
    report = progress.report ?? report;
  }
  return report as EvaluationReport;
}
