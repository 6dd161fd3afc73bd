import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors';
import { withMethods } from './addedMethods';
import { exampleMethods, MADE } from './exampleRecords';
import { ILQL, type Methods } from './methods';
import { resultsReport } from './report';
import { appears } from './sections/methods';

/** A record of these methods alone; all of them where none is named. */
function recordOf(gain: number, keep: (method: string) => boolean, commit = MADE.commit): Methods {
  const record = exampleMethods(gain);
  return {
    ...record,
    seeds: record.seeds.map((seed) => ({
      ...seed,
      outcomes: Object.fromEntries(Object.entries(seed.outcomes).filter(([method]) => keep(method))),
    })),
    made: { ...MADE, commit },
  };
}

const others = recordOf(0.1, (method) => method !== ILQL);
const ilql = recordOf(0.1, (method) => method === ILQL, 'def5678');

describe('a method that is measured later', () => {
  it('joins the others, which stay as they were, and the record says when it was', () => {
    const { ilql: _, ...plan } = others.plan;
    const joined = withMethods({ ...others, plan }, ilql);
    expect(joined.plan.ilql).toEqual(ilql.plan.ilql);
    expect(joined.made).toEqual(MADE);
    expect(joined.added).toEqual([{ methods: [ILQL], made: { ...MADE, commit: 'def5678' } }]);
    joined.seeds.forEach(({ outcomes }, i) => {
      expect(outcomes).toEqual({ ...others.seeds[i]?.outcomes, ...ilql.seeds[i]?.outcomes });
    });
    expect(appears(joined)).toBe(true);
    const { markdown } = resultsReport([joined], {});
    expect(markdown).toContain('| ILQL |');
    expect(markdown).toMatch(/Measured later, on the same .*: ILQL\. .* at commit `def5678`/);
  });

  it('is not missed in a record from before, which tells of the others', () => {
    const { markdown } = resultsReport([others], {});
    expect(markdown).not.toContain('| ILQL |');
    expect(markdown).not.toContain('Measured later');
    expect(appears(others)).toBe(false);
  });

  it('takes its own place when it is measured again, with its own settings alone', () => {
    const twice = withMethods(withMethods(others, ilql), ilql);
    expect(twice.added).toEqual([{ methods: [ILQL], made: ilql.made }]);
    const dpo = recordOf(0.3, (method) => method === 'DPO');
    const settings = { ...dpo.plan.preferences, DPO: { ...dpo.plan.preferences['DPO']!, beta: 9 }, IPO: dpo.plan.preferences['DPO']! };
    const joined = withMethods(others, { ...dpo, plan: { ...dpo.plan, preferences: settings } });
    expect(joined.plan.preferences).toEqual({ ...others.plan.preferences, DPO: settings.DPO });
    expect(joined.seeds[0]?.outcomes['DPO']?.gain.mean).toBe(0.3);
  });

  const [first, ...rest] = ilql.seeds as [Methods['seeds'][number], ...Methods['seeds']];
  const worse = { ...first, sft: { ...first.sft, gold: { mean: 0.61, se: 0.01 } } };
  const judge = { ...first, rewardModel: { ...first.rewardModel, heldOutAccuracy: 0.7 } };
  it.each<[string, Methods]>([
    ['prompts', { ...ilql, plan: { ...ilql.plan, prompts: 20 } }],
    ['seeds', { ...ilql, plan: { ...ilql.plan, seeds: [0, 1] }, seeds: ilql.seeds.slice(0, 2) }],
    ['model files', { ...ilql, model: { ...ilql.model, files: {} } }],
    ['gold of the SFT model with seed 0', { ...ilql, seeds: [worse, ...rest] }],
    ['reward model with seed 0', { ...ilql, seeds: [judge, ...rest] }],
  ])('does not join where the %s are others', (what, later) => {
    expect(() => withMethods(others, later)).toThrow(InputError);
    expect(() => withMethods(others, later)).toThrow(what);
  });
});
