/** The labelers by whose weights an evaluation can judge: those that reward models learn from, and those held out. */
import { InputError } from '../errors';
import type { GoldWeights } from '../text/world/gold';
import { HELD_OUT_LABELERS, TRAINING_LABELERS } from '../text/world/labeler';

export const LABELERS: Readonly<Record<string, GoldWeights>> = { ...TRAINING_LABELERS, ...HELD_OUT_LABELERS };

/** Who judges unless told otherwise. */
export const DEFAULT_LABELER = 'balanced' satisfies keyof typeof TRAINING_LABELERS;

/** @throws InputError for a name that is none of theirs */
export function labelerWeights(name: string): GoldWeights {
  const weights = Object.hasOwn(LABELERS, name) ? LABELERS[name] : undefined;
  if (weights !== undefined) return weights;
  throw new InputError(
    `Expected a labeler (${Object.keys(LABELERS).join(', ')}), got "${name}".`,
    'Choose one of these names.',
  );
}
