import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../config';
import { METHODS } from '../methods';
import { SettingsForm } from './settingsForm.svelte';

describe('the settings of a method', () => {
  it('that it ignores are of its own family, each said once', () => {
    for (const { name, family, ignores } of METHODS) {
      expect(Object.keys(DEFAULT_SETTINGS[family]), name).toEqual(expect.arrayContaining([...ignores]));
      expect(new Set(ignores).size, name).toBe(ignores.length);
    }
  });

  it('are shown where it uses them: the leash where one is held, a margin for SimPO alone', () => {
    const form = new SettingsForm(() => undefined);
    const shown = (key: string): string[] =>
      METHODS.flatMap(({ name, family }) => {
        form.choose(name);
        return form.fields(family).some((field) => field.key === key && field.used) ? [name] : [];
      });
    const groups = ['RLOO', 'GRPO', 'Dr. GRPO', 'REINFORCE', 'REINFORCE++'];
    for (const key of ['adaptiveKl', 'klTarget', 'klHorizon', 'emaDecay'])
      expect(shown(key)).toEqual(['PPO', ...groups]);
    expect(shown('klLoss')).toEqual(['PPO', ...groups]);
    expect(shown('gamma')).toEqual(['PPO', 'SimPO']);
    expect(shown('labelSmoothing')).toEqual(['cDPO', 'robust DPO']);
    const preferences = METHODS.filter(({ family }) => family === 'preferences').map(({ name }) => name);
    expect(shown('guardCoef')).toEqual(['online DPO', ...preferences]);
  });

  it('take a dual clip above 1 or none: at 1 a bad word would lose its gradient where nothing has changed yet', () => {
    const form = new SettingsForm(() => undefined);
    for (const value of [0.2, 1]) expect(form.set('ppo', 'dualClip', value)).toContain('above 1');
    expect(form.values.ppo.dualClip).toBe(0);
    for (const value of [3, 1.01, 0]) expect(form.set('ppo', 'dualClip', value)).toBe('');
  });

  it('can be changed also where it does nothing with them', () => {
    const form = new SettingsForm(() => undefined);
    form.choose('online DPO');
    expect(form.set('policyGradient', 'epochs', 3)).toBe('');
    expect(form.values.policyGradient.epochs).toBe(3);
  });
});
