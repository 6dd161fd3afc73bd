import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { WORLD_SEED } from '../../config';
import { demonstrations } from './demonstrations';
import { pretrainingDocuments } from './documents';
import { worldPrompts } from './prompts';
import { createWorld } from './world';

const world = createWorld(WORLD_SEED);
const fingerprint = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);

/**
 * The shipped models were pretrained on this text. A change of a single word here means that they know another world
 * than the one that asks and judges them: make them again with `npm run pretrain`, then write the new fingerprints.
 */
describe('the text that the shipped models come from stays as it is', () => {
  it('pretraining documents', () => {
    const documents = pretrainingDocuments(world, 0);
    expect(fingerprint(Array.from({ length: 5000 }, () => documents.next().value))).toBe('c3d7d73cc5e9c06a');
  });

  it('prompts and their sides', () => {
    const { train, heldOut } = worldPrompts(world);
    const sides = [train, heldOut].map((side) => side.map(({ id, text }) => [id, text]));
    expect(fingerprint(sides)).toBe('0f6a8a24a8a1e14b');
  });

  it('demonstrations', () => {
    const shown = demonstrations(world, 600, 0).map(({ prompt, reply }) => [prompt.id, reply]);
    expect(fingerprint(shown)).toBe('e6fca75875c6454f');
  });
});
