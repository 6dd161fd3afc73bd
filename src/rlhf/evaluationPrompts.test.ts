import { describe, expect, it } from 'vitest';
import { WORLD_SEED } from '../config';
import { InputError } from '../errors';
import { groupBy } from '../text/world/grouping';
import { HELD_OUT_LABELERS } from '../text/world/labeler';
import { asksForNameOverThreeTurns, HELD_OUT_SIDES, promptsOn, type WorldPrompt } from '../text/world/prompts';
import { createWorld } from '../text/world/world';
import { evaluationPrompts } from './evaluationPrompts';
import { DEFAULT_LABELER, labelerWeights } from './labelerWeights';

const world = createWorld(WORLD_SEED);

describe('prompts of an evaluation', () => {
  it.each(HELD_OUT_SIDES)('are of the side that was asked for: %s', (side) => {
    for (const count of [40, { perKind: 5 }, 'all'] as const) {
      const prompts = evaluationPrompts(world, side, count, 1);
      expect(new Set(prompts.map((prompt) => prompt.side))).toEqual(new Set([side]));
    }
    expect(evaluationPrompts(world, side, 'all', 1).length).toBe(promptsOn(world, side, 'core').length);
  });

  it('never come twice, however many are asked for', () => {
    const prompts = evaluationPrompts(world, 'heldOut', 3000, 2);
    expect(new Set(prompts).size).toBe(prompts.length);
    expect(evaluationPrompts(world, 'heldOut', 100, 2).length).toBe(100);
  });

  it('are so many of each kind on each side, or all where there are fewer', () => {
    const group = (prompt: WorldPrompt): string => `${prompt.kind}/${prompt.side}/${asksForNameOverThreeTurns(prompt)}`;
    const all = groupBy(promptsOn(world, 'heldOut', 'core'), group);
    const chosen = groupBy(evaluationPrompts(world, 'heldOut', { perKind: 40 }, 3), group);
    for (const [name, prompts] of all) expect(chosen.get(name)?.length).toBe(Math.min(40, prompts.length));
  });

  it('hold so many names to be kept over three turns too', () => {
    const names = evaluationPrompts(world, 'phrasing', { perKind: 7 }, 3).filter(asksForNameOverThreeTurns);
    expect(names.length).toBe(7);
    for (const {
      messages,
      expect: { task },
    } of names) {
      expect([messages.length, task]).toEqual([5, 'choose']);
      expect(messages.at(-1)?.text).toMatch(/name|who am I/i);
    }
  });

  it('are the same for the same seed, and others for another', () => {
    const ids = (seed: number): string[] =>
      evaluationPrompts(world, 'heldOut', { perKind: 3 }, seed).map(({ id }) => id);
    expect(ids(1)).toEqual(ids(1));
    expect(ids(1)).not.toEqual(ids(2));
  });

  it('are some: none is an error', () => {
    expect(() => evaluationPrompts(world, 'heldOut', 0, 1)).toThrow(InputError);
  });
});

describe('the labeler of an evaluation', () => {
  it('is one by name, and another name is an error that lists them', () => {
    expect(labelerWeights('brisk')).toEqual(HELD_OUT_LABELERS.brisk);
    expect(labelerWeights(DEFAULT_LABELER).right).toBeGreaterThan(0);
    for (const name of ['nobody', 'constructor']) expect(() => labelerWeights(name)).toThrow(/balanced, factual, warm/);
  });
});
