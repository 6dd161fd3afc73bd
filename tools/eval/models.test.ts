import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PRESETS, REACH, WORLD_SEED } from '../../src/config';
import { startDevice } from '../../src/gpu/device';
import { saveVariables, toGpt2Config } from '../../src/model/checkpoint';
import { disposeGpt } from '../../src/model/gpt';
import { initialParameters } from '../../src/model/parameters';
import { createWorld } from '../../src/text/world/world';
import { trainWorldTokenizer } from '../../src/text/world/worldTokenizer';
import type { EvaluationProgress } from '../../src/rlhf/evaluation';
import { disposeModels, evaluateModels, readModels } from './models';
import { evaluationTable } from './table';

const folder = mkdtempSync(path.join(tmpdir(), 'nudge-eval-'));
const file = (name: string): string => path.join(folder, name);
const REQUEST = { prompts: 8, samplesPerPrompt: 1, temperature: 0, seed: 1 };

beforeAll(async () => {
  await startDevice('wasm');
  const shape = PRESETS.nano;
  const tokenizer = trainWorldTokenizer(createWorld(WORLD_SEED, { reach: REACH.nano }), shape.vocabulary);
  writeFileSync(file('tokenizer.json'), JSON.stringify(tokenizer.toJSON()));
  writeFileSync(file('config.json'), JSON.stringify(toGpt2Config(shape)));
  for (const [seed, name] of ['base', 'sft', 'policy'].entries()) {
    const gpt = { shape, parameters: initialParameters(shape, seed) };
    writeFileSync(file(`${name}.safetensors`), new Uint8Array(await saveVariables(gpt.parameters, {}, 'F16')));
    disposeGpt(gpt);
  }
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

describe('models of a folder', () => {
  it('are measured, all that there are, and leave nothing behind', async () => {
    const before = tf.memory().numTensors;
    const models = readModels('nano', folder, file('policy.safetensors'));
    const progress: EvaluationProgress[] = [];
    const report = await evaluateModels(models, REQUEST, (one) => progress.push(one));
    disposeModels(models);
    expect(tf.memory().numTensors).toBe(before);
    expect(Object.keys(report.measures).sort()).toEqual(['base', 'policy', 'sft']);
    expect(report.prompts).toBe(8);
    expect(progress.at(-1)?.report).toBe(report);
    // Untrained, every token is about as likely as any other.
    for (const perplexity of Object.values(report.perplexity))
      expect(perplexity / PRESETS.nano.vocabulary).toBeCloseTo(1, 0);
    expect(evaluationTable(report)).toMatch(/RLHF is preferred to SFT/);
  });

  it('that are not there, or of another preset, are an error that names the file and the way out', () => {
    expect(() => readModels('nano', path.join(folder, 'empty'))).toThrow(
      /Expected .*tokenizer\.json, got no such file/,
    );
    expect(() => readModels('mini', folder)).toThrow(/Expected models of the shape .* mini's/);
  });
});
