/** Methods that are measured later than the rest of their table: `npm run results -- methods --only NAME`. */
import { isDeepStrictEqual } from 'node:util';
import { InputError } from '../../src/errors';
import { BEST_OF_N, ILQL, type Methods, type MethodsPlan } from './methods';

/** What a seed's rankings, reward model and judgement come from, whatever the method. */
const COMMON = [
  'preset',
  'seeds',
  'rankings',
  'heldOutRankings',
  'prompts',
  'samples',
  'rewardModel',
] as const satisfies readonly (keyof MethodsPlan)[];

/**
 * A stored record with methods that were measured later, in place of what it had of them. Everything else stays as it was
 * measured, and the record says what was added, when and where.
 * @param later in the numbers that are stored
 * @throws InputError where the two do not begin with the same: plan, models, reward model, gold of the SFT model
 */
export function withMethods(record: Methods, later: Methods): Methods {
  for (const key of COMMON) same(`the same ${key} in both plans`, record.plan[key], later.plan[key]);
  same('the same model files', record.model.files, later.model.files);
  later.seeds.forEach(({ seed, sft, rewardModel }, i) => {
    const own = record.seeds[i];
    same(`the same gold of the SFT model with seed ${seed}`, own?.sft, sft);
    const accuracy = own?.rewardModel.heldOutAccuracy;
    same(`the same reward model with seed ${seed}`, accuracy, rewardModel.heldOutAccuracy);
  });
  const methods = Object.keys(later.seeds[0]?.outcomes ?? {});
  const before = (record.added ?? [])
    .map(({ methods: names, made }) => ({ methods: names.filter((name) => !methods.includes(name)), made }))
    .filter(({ methods: names }) => names.length > 0);
  return {
    ...record,
    plan: withSettings(record.plan, later.plan, methods),
    seeds: record.seeds.map((own, i) => ({ ...own, outcomes: { ...own.outcomes, ...later.seeds[i]?.outcomes } })),
    added: [...before, { methods, made: later.made }],
  };
}

/** The settings of these methods from the later plan, those of the others as they were. */
function withSettings(before: MethodsPlan, later: MethodsPlan, methods: readonly string[]): MethodsPlan {
  const chosen = <S>(was: Record<string, S>, is: Record<string, S>): Record<string, S> => ({
    ...was,
    ...Object.fromEntries(Object.entries(is).filter(([name]) => methods.includes(name))),
  });
  return {
    ...before,
    ...(methods.includes('PPO') && { ppo: later.ppo }),
    ...(methods.includes(ILQL) && later.ilql && { ilql: later.ilql }),
    ...(methods.includes(BEST_OF_N) && { n: later.n }),
    policyGradient: chosen(before.policyGradient, later.policyGradient),
    preferences: chosen(before.preferences, later.preferences),
  };
}

function same(what: string, stored: unknown, measured: unknown): void {
  if (isDeepStrictEqual(stored, measured)) return;
  throw new InputError(
    `Expected ${what} as in the stored record, got ${JSON.stringify(measured)} for ${JSON.stringify(stored)}.`,
    'Measure every method anew, without --only, or store these elsewhere with --json FILE.',
  );
}
