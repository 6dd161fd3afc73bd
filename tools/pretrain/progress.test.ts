import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, PRESETS, WORLD_SEED } from '../../src/config';
import { readTokenizer } from '../../src/text/tokenizer';
import { createWorld } from '../../src/text/world/world';
import { runKey } from './progress';

const tokenizerOf = (preset: string): ReturnType<typeof readTokenizer> =>
  readTokenizer(JSON.parse(readFileSync(`public/models/${preset}/tokenizer.json`, 'utf8')));

describe('a checkpoint', () => {
  const { pretrain } = DEFAULT_SETTINGS;
  const core = createWorld(WORLD_SEED, { reach: 'core' });
  const tokenizer = tokenizerOf('nano');
  const key = runKey(PRESETS.nano, pretrain, tokenizer, core);

  it('is one to go on from for the same shape, settings, tokenizer and text', () => {
    expect(
      runKey({ ...PRESETS.nano }, { ...pretrain }, tokenizerOf('nano'), createWorld(WORLD_SEED, { reach: 'core' })),
    ).toBe(key);
  });

  it('belongs to no run of another shape, learning rate, tokenizer or text', () => {
    const others = [
      runKey(PRESETS.midi, pretrain, tokenizer, core),
      runKey(PRESETS.nano, { ...pretrain, learningRate: 1e-3 }, tokenizer, core),
      runKey(PRESETS.nano, pretrain, tokenizerOf('mini'), core),
      runKey(PRESETS.nano, pretrain, tokenizer, createWorld(WORLD_SEED, { reach: 'town' })),
      runKey(PRESETS.nano, pretrain, tokenizer, createWorld(WORLD_SEED + 1, { reach: 'core' })),
    ];
    expect(new Set([key, ...others]).size).toBe(6);
  });
});
