import { describe, expect, it } from 'vitest';
import { PRESETS, SHIPPED_PRESETS, WORLD_SEED } from '../config';
import { InputError } from '../errors';
import { GOLD_WEIGHTS } from '../text/world/gold';
import { HELD_OUT_LABELERS } from '../text/world/labeler';
import { createWorld } from '../text/world/world';
import { catalogue, goldWeightsOf } from './catalogue';

describe('what there is to choose from', () => {
  it('names every size once, and counts the facts that it reads of from the town itself', () => {
    const { models } = catalogue();
    const { facts } = createWorld(WORLD_SEED);
    expect(models.map(({ preset }) => preset)).toEqual(Object.keys(PRESETS));
    for (const model of models) {
      const known = facts.filter(({ subject }) => model.reach === 'town' || subject.circle === 'core');
      expect(model.facts).toBe(known.length);
      expect(model.shipped).toBe(SHIPPED_PRESETS.includes(model.preset));
      expect(model.checkpointBytes).toBe(model.parameters * 2);
    }
  });

  it('has no labeler that is held out', () => {
    const names = catalogue().labelers.map(({ name }) => name);
    expect(names).toContain('balanced');
    for (const name of Object.keys(HELD_OUT_LABELERS)) expect(names).not.toContain(name);
  });

  it('takes weights of every part from 0, not all 0, and nothing else', () => {
    expect(goldWeightsOf({ ...GOLD_WEIGHTS })).toEqual(GOLD_WEIGHTS);
    const { safe: _safe, ...lacking } = GOLD_WEIGHTS;
    const none = Object.fromEntries(Object.keys(GOLD_WEIGHTS).map((part) => [part, 0]));
    for (const bad of [lacking, { ...GOLD_WEIGHTS, safe: -1 }, { ...GOLD_WEIGHTS, safe: Number.NaN }, none]) {
      expect(() => goldWeightsOf(bad)).toThrow(InputError);
    }
  });
});
