/** What there is to choose from, computed from the sizes of model and from the town itself. */
import { PRESETS, REACH, SHIPPED_PRESETS, WORLD_SEED, type PresetName } from '../config';
import { InputError } from '../errors';
import { parameterCount } from '../model/gpt';
import { GOLD_PARTS, type GoldPart, type GoldWeights } from '../text/world/gold';
import { TRAINING_LABELERS } from '../text/world/labeler';
import { PRINCIPLES } from '../text/world/principles';
import { createWorld, inReach } from '../text/world/world';
import type { Catalogue, PartValues } from './protocol';

/** Of one number in a shipped checkpoint. */
const BYTES = 2;

export function catalogue(): Catalogue {
  const { facts } = createWorld(WORLD_SEED);
  return {
    models: (Object.keys(PRESETS) as PresetName[]).map((preset) => {
      const parameters = parameterCount(PRESETS[preset]);
      return {
        preset,
        parameters,
        checkpointBytes: parameters * BYTES,
        shipped: SHIPPED_PRESETS.includes(preset),
        reach: REACH[preset],
        facts: facts.filter(({ subject }) => inReach(subject.circle, REACH[preset])).length,
      };
    }),
    principles: PRINCIPLES.map(({ id, text }) => ({ id, text })),
    labelers: Object.entries(TRAINING_LABELERS).map(([name, weights]) => ({ name, weights })),
  };
}

/**
 * Weights as a person set them.
 * @throws InputError where one is missing or below 0, or all are 0
 */
export function goldWeightsOf(values: PartValues): GoldWeights {
  const wrong = GOLD_PARTS.find((part) => !(Number.isFinite(values[part]) && Number(values[part]) >= 0));
  if (wrong) {
    throw new InputError(
      `Expected a weight from 0 for "${wrong}", got ${String(values[wrong])}.`,
      'Set the weights of the simulated labeler back to a labeler of the page.',
    );
  }
  if (GOLD_PARTS.every((part) => values[part] === 0)) {
    throw new InputError(
      'Expected a labeler that weighs something, got one whose weights are all 0.',
      'Raise at least one of its weights.',
    );
  }
  return Object.fromEntries(GOLD_PARTS.map((part) => [part, values[part] as number])) as Record<
    (typeof GOLD_PARTS)[number],
    number
  >;
}

/** @throws InputError for an empty list, or a principle that there is not */
export function principlesOf(ids: readonly string[]): GoldPart[] {
  const known = GOLD_PARTS.filter((part) => ids.includes(part));
  if (known.length === 0 || known.length < new Set(ids).size) {
    throw new InputError(
      `Expected some of the principles ${GOLD_PARTS.join(', ')}, got ${ids.join(', ') || 'none'}.`,
      'Choose at least one principle.',
    );
  }
  return known;
}
