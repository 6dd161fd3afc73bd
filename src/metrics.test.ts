import { describe, expect, it } from 'vitest';
import { isHealthy, metricInfo, METRICS, OTHER_METHODS } from './metrics';
import { POLICY_STATISTICS, VALUE_STATISTICS } from './rlhf/ppoLoss';

const all = Object.entries({ ...METRICS, 'other methods': OTHER_METHODS }).flatMap(([stage, metrics]) =>
  Object.entries(metrics).map(([key, info]) => ({ name: `${stage} ${key}`, info })),
);

describe('the metrics', () => {
  it.each(all)('$name is explained in one sentence, with a label and a healthy range', ({ info }) => {
    expect(info.label).toMatch(/^[A-Z].{2,30}$/);
    expect(info.meaning).toMatch(/^[A-Z][^.]+\.$/);
    expect(info.healthy.note).toMatch(/^[A-Z].+\.$/);
    const { low, high } = info.healthy;
    if (low !== null && high !== null) expect(low).toBeLessThan(high);
  });

  it('have different labels within a stage', () => {
    for (const metrics of Object.values(METRICS)) {
      const labels = Object.values(metrics).map(({ label }) => label);
      expect(new Set(labels).size).toBe(labels.length);
    }
  });

  it('know every statistic that the PPO losses report', () => {
    for (const key of [...POLICY_STATISTICS, ...VALUE_STATISTICS]) expect(METRICS.ppo).toHaveProperty([key]);
  });

  it('mark what is out of range, and what is no number', () => {
    expect(isHealthy('ppo', 'objective/kl', 2)).toBe(true);
    expect(isHealthy('ppo', 'objective/kl', 20)).toBe(false);
    expect(isHealthy('ppo', 'objective/kl', -3)).toBe(false);
    expect(isHealthy('ppo', 'objective/scores', NaN)).toBe(false);
    expect(isHealthy('rewardModel', 'accuracy', 0.3)).toBe(false);
    expect(isHealthy('ppo', 'not/reported', NaN)).toBe(true);
    expect(metricInfo('sft', 'toString')).toBeUndefined();
  });
});
