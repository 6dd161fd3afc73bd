/**
 * SFT models of several seeds, by the page's own stage. Each is kept in .cache, since two results ask for the same ones;
 * a model is found again only by its base, its settings, its seed and the very demonstrations that it learned from.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SftSettings } from '../../src/config';
import { writeSafetensors } from '../../src/model/safetensors';
import { sftSteps } from '../../src/rlhf/sft';
import { SftStage, worldExamples } from '../../src/session/stages/sftStage';
import type { Workshop } from '../../src/session/workshop';
import { runStage } from './loop';
import { sha256, weightsIn } from './models';

/** Optimiser steps that a piece of work is. */
const STEPS_IN_PIECE = 5;

export const piecesOfSft = (settings: SftSettings): number => sftSteps(settings.examples, settings) / STEPS_IN_PIECE;

/**
 * Puts an SFT model made from the workshop's base into the workshop.
 * @param cache a folder, or null to make it anew and not keep it
 */
export async function fineTune(
  workshop: Workshop,
  settings: SftSettings,
  seed: number,
  cache: string | null,
  onPiece: (pieces: number) => void,
): Promise<void> {
  const { models } = workshop;
  const examples = worldExamples(workshop, settings.examples, seed);
  const key = sha256(JSON.stringify([models.fingerprints().base, models.shape, settings, seed, examples]));
  const file = cache === null ? null : path.join(cache, `sft-${key.slice(0, 16)}.safetensors`);
  if (file !== null && existsSync(file)) {
    models.load('sft', weightsIn(readFileSync(file)), 'trained');
    onPiece(piecesOfSft(settings));
    return;
  }
  await runStage(new SftStage(workshop, settings, [], seed), () => onPiece(1 / STEPS_IN_PIECE));
  if (file === null) return;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, new Uint8Array(writeSafetensors(models.weights('sft') ?? new Map(), {})));
}
