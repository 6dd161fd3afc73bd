import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, RANKING_LOSSES, type Settings, type StageName } from './config';
import { policyGradientDefaults, type MethodName } from './methods';
import {
  COMPARISON,
  DEFAULT_START,
  GOLD_PART_METRICS,
  healthyRange,
  isHealthy,
  metricInfo,
  METRICS,
  OTHER_METHODS,
  REWARD_MODEL_REPORT,
  type RunStart,
} from './metrics';
import { chanceLoss } from './metrics/rewardModel';
import { POLICY_STATISTICS, VALUE_STATISTICS } from './rlhf/ppoLoss';
import { GOLD_PARTS } from './text/world/gold';

const everywhere = {
  ...METRICS,
  'other methods': OTHER_METHODS,
  'reward model report': REWARD_MODEL_REPORT,
  comparison: { ...COMPARISON, ...GOLD_PART_METRICS },
};
const all = Object.entries(everywhere).flatMap(([stage, metrics]) =>
  Object.entries(metrics).map(([key, info]) => ({ name: `${stage} ${key}`, info })),
);

/** A run of a stage with some settings of its own. */
const startOf = <S extends StageName>(stage: S, changes: Partial<Settings[S]>): RunStart => ({
  settings: { ...DEFAULT_SETTINGS[stage], ...changes },
  method: null,
});
const startOfMethod = (name: MethodName, changes: Partial<Settings['policyGradient']> = {}): RunStart => ({
  settings: DEFAULT_SETTINGS.ppo,
  method: { name, settings: { ...policyGradientDefaults(name), ...changes } },
});

describe('the metrics', () => {
  it.each(all)('$name is explained in one sentence, with a label, a formula and a healthy range', ({ info }) => {
    expect(info.label).toMatch(/^[A-Z].{1,35}$/);
    expect(info.meaning).toMatch(/^[A-Z\d](?:[^.]|al\.)+\.$/);
    expect(info.formula).toMatch(/^\S.{8,}\.$/);
    if (info.differs !== null) expect(info.differs).toMatch(/^\S.+\.$/);
    const { low, high, note } = healthyRange(info);
    expect(note).toMatch(/^[A-Z].+\.$/);
    if (low !== null && high !== null) expect(low).toBeLessThan(high);
  });

  it.each(all)('$name says of a mean what it is taken over', ({ info }) => {
    for (const [, next] of info.formula.matchAll(/\b[Mm]ean (\w+)/g))
      expect(['over', 'of', 'return', 'ratio', 'advantage', 'log'], info.formula).toContain(next);
  });

  it.each(all)('$name has no bound that it cannot cross', ({ name, info }) => {
    const { low, high } = healthyRange(info);
    const neverBelow0 =
      ['share', 'tokens', 'replies'].includes(info.unit) || /clipfrac|approxkl|ratio_|entropy/.test(name);
    if (neverBelow0 && low !== null) expect(low).toBeGreaterThan(0);
    if (info.unit === 'share' && high !== null) expect(high).toBeLessThan(1);
  });

  it('have different labels within a stage', () => {
    for (const metrics of Object.values(everywhere)) {
      const labels = Object.values(metrics).map(({ label }) => label);
      expect(new Set(labels).size).toBe(labels.length);
    }
  });

  it('know every part of the gold score, in its order', () => {
    expect(Object.keys(GOLD_PART_METRICS)).toEqual([...GOLD_PARTS]);
  });

  it('know every statistic that the PPO losses report', () => {
    for (const key of [...POLICY_STATISTICS, ...VALUE_STATISTICS]) expect(METRICS.ppo).toHaveProperty([key]);
  });

  it('mark what is out of range, and what is no number', () => {
    expect(isHealthy('ppo', 'objective/kl', 2)).toBe(true);
    expect(isHealthy('ppo', 'objective/kl', 20)).toBe(false);
    expect(isHealthy('ppo', 'objective/kl', -3)).toBe(false);
    expect(isHealthy('ppo', 'objective/scores', NaN)).toBe(false);
    // A value model that begins anew foresees nothing yet: judged from the fifth update on.
    expect([1, 4, 5, 60].map((step) => isHealthy('ppo', 'val/explained_variance', -0.1, DEFAULT_START, step))).toEqual([
      ...[true, true],
      ...[false, false],
    ]);
    expect(isHealthy('ppo', 'val/explained_variance', NaN, DEFAULT_START, 1)).toBe(false);
    expect(isHealthy('ppo', 'val/explained_variance', -0.1)).toBe(false);
    expect(isHealthy('rewardModel', 'accuracy', 0.3)).toBe(false);
    expect(isHealthy('ppo', 'not/reported', NaN)).toBe(true);
    expect(metricInfo('sft', 'toString')).toBeUndefined();
  });
});

describe('a healthy range', () => {
  it.each([
    ['all pairs', 0, Math.log(2)],
    ['whole ranking', 0, Math.log(24)],
    ['best only', 0, Math.log(4)],
    ['all pairs', 1, (3 * Math.log(1 + Math.E) + 2 * Math.log(1 + Math.E ** 2) + Math.log(1 + Math.E ** 3)) / 6],
  ] as const)('of the loss over %s with a margin of %f ends a little above chance', (name, margin, chance) => {
    const loss = RANKING_LOSSES.indexOf(name);
    expect(chanceLoss({ loss, margin })).toBeCloseTo(chance, 12);
    const run = startOf('rewardModel', { loss, margin });
    expect(isHealthy('rewardModel', 'loss', chance, run)).toBe(true);
    expect(isHealthy('rewardModel', 'loss', 1.1 * chance, run)).toBe(false);
  });

  it('of the drift lets a target of 6 nats be held, and warns at twice the target', () => {
    const held = startOf('ppo', { klTarget: 6 });
    for (const kl of [5, 6, 8]) expect(isHealthy('ppo', 'objective/kl', kl, held)).toBe(true);
    expect(isHealthy('ppo', 'objective/kl', 12.5, held)).toBe(false);
    for (const run of [DEFAULT_START, startOf('ppo', { klTarget: 0.5 })]) {
      expect(isHealthy('ppo', 'objective/kl', 3.9, run)).toBe(true);
      expect(isHealthy('ppo', 'objective/kl', 4.1, run)).toBe(false);
    }
  });

  it('of the drift is not widened by a target that nothing holds', () => {
    const unheld = [
      startOf('ppo', { klTarget: 6, adaptiveKl: 0 }),
      startOf('ppo', { klTarget: 6, klCoef: 0 }),
      startOfMethod('GRPO', { klTarget: 6 }),
    ];
    for (const run of unheld) expect(isHealthy('ppo', 'objective/kl', 5, run)).toBe(false);
    expect(isHealthy('ppo', 'objective/kl', 5, startOfMethod('RLOO', { klTarget: 6 }))).toBe(true);
  });

  it.each([
    [startOf('ppo', { batchSize: 64 }), 64],
    [startOf('ppo', { batchSize: 128 }), 128],
    [startOfMethod('RLOO', { prompts: 10, replies: 4 }), 40],
    [startOfMethod('rejection sampling', { prompts: 10, replies: 4 }), 10],
  ])('of stopped replies is a share of those of the update', (run, replies) => {
    expect(isHealthy('ppo', 'val/num_eos_tokens', 0.85 * replies, run)).toBe(true);
    expect(isHealthy('ppo', 'val/num_eos_tokens', 0.75 * replies, run)).toBe(false);
  });

  it('of entropy ends where fewer than two replies are likely', () => {
    expect(isHealthy('ppo', 'objective/entropy', 0.7)).toBe(true);
    expect(isHealthy('ppo', 'objective/entropy', 0.6)).toBe(false);
    expect(isHealthy('ppo', 'policy/entropy_avg', 0.4)).toBe(true);
    expect(isHealthy('ppo', 'policy/entropy_avg', 0.01)).toBe(false);
  });

  it('of the length of replies ends where most are cut', () => {
    const run = startOf('ppo', { maxNewTokens: 16 });
    expect(isHealthy('ppo', 'tokens/responses_len_mean', 14, run)).toBe(true);
    expect(isHealthy('ppo', 'tokens/responses_len_mean', 15, run)).toBe(false);
    expect(isHealthy('ppo', 'tokens/responses_len_mean', 15)).toBe(true);
  });

  it('is none for the gold score, whose level is that of the model, and says so', () => {
    for (const key of ['val/gold', 'val/gold_right'] as const) {
      const { low, high, note } = healthyRange(METRICS.ppo[key]);
      expect([low, high]).toEqual([null, null]);
      expect(note).toContain('No bounds');
    }
    expect(isHealthy('ppo', 'rewards/accuracies', 0.3)).toBe(false);
  });
});
