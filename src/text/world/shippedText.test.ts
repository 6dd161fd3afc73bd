import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PRESETS, REACH, SHIPPED_PRESETS, WORLD_SEED } from '../../config';
import { demonstrations } from './demonstrations';
import { pretrainingDocuments } from './documents';
import { conversationKey, worldPrompts } from './prompts';
import { createWorld } from './world';
import { trainWorldTokenizer } from './worldTokenizer';

const world = createWorld(WORLD_SEED);
const fingerprint = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);

/**
 * The shipped models were pretrained on this text. A change of a single word here means that they know another world
 * than the one that asks and judges them: make them again with `npm run pretrain`, then write the new fingerprints.
 */
describe('the text that the shipped models come from stays as it is', () => {
  it.each([
    ['core', 'e45037b9084889bd'],
    ['town', '8c7beeb51bd06836'],
  ] as const)('pretraining documents of the %s', (reach, expected) => {
    const documents = pretrainingDocuments(world, 0, reach);
    expect(fingerprint(Array.from({ length: 5000 }, () => documents.next().value))).toBe(expected);
  });

  it('prompts and their sides', () => {
    const { train, heldOut } = worldPrompts(world);
    const sides = [train, heldOut].map((side) => side.map(({ id, messages }) => [id, conversationKey(messages)]));
    expect(fingerprint(sides)).toBe('6af7641f433f6a6f');
  });

  it('demonstrations', () => {
    const shown = (['core', 'town'] as const).flatMap((reach) =>
      demonstrations(world, 600, 0, { reach }).map(({ prompt, reply }) => [prompt.id, reply]),
    );
    expect(fingerprint(shown)).toBe('1a034ab01ca78381');
  });

  it.each(SHIPPED_PRESETS)('the tokenizer of %s', (preset) => {
    const shipped: unknown = JSON.parse(readFileSync(`public/models/${preset}/tokenizer.json`, 'utf8'));
    const ownWorld = createWorld(WORLD_SEED, { reach: REACH[preset] });
    expect(trainWorldTokenizer(ownWorld, PRESETS[preset].vocabulary).toJSON()).toEqual(shipped);
  });
});
