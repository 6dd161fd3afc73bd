/** The settings as a person edits them: checked against their range and remembered. */
import { DEFAULT_SETTINGS } from '../config';
import type { Settings } from '../config';
import { methodInfo, METHODS, policyGradientDefaults, preferenceDefaults } from '../methods';
import type { MethodName } from '../methods';
import { SETTINGS } from '../settingInfo';
import type { SettingInfo } from '../settingInfo';

export type SettingsGroup = keyof Settings;

export interface SettingField {
  key: string;
  info: SettingInfo;
  value: number;
  standard: number;
  /** False where the chosen method does nothing with it. */
  used: boolean;
}

/** What is wrong with a value, as a sentence; empty when nothing is. */
export function settingProblem(info: SettingInfo, value: number): string {
  if (!Number.isFinite(value)) return `${info.label} must be a number.`;
  if (info.integer && !Number.isInteger(value)) return `${info.label} must be a whole number; ${value} is not.`;
  if (value < info.min || value > info.max) {
    return `${info.label} must be from ${info.min} to ${info.max}; ${value} is not.`;
  }
  if (info.above !== undefined && value !== 0 && value <= info.above) {
    return `${info.label} must be above ${info.above}, or 0 for none; ${value} is not.`;
  }
  return '';
}

export class SettingsForm {
  #values = $state.raw<Settings>(DEFAULT_SETTINGS);
  #method = $state<MethodName>('PPO');
  readonly #changed: (settings: Settings, method: MethodName) => void;

  /** @param changed called with all values after each change */
  constructor(changed: (settings: Settings, method: MethodName) => void) {
    this.#changed = changed;
  }

  /** How the policy is made. */
  get method(): MethodName {
    return this.#method;
  }

  /** Takes another method, with the settings that it is run with unless told otherwise. */
  choose(method: MethodName): void {
    this.#method = method;
    const { family } = methodInfo(method);
    if (family !== 'ppo') this.#values = { ...this.#values, [family]: this.#standards[family] };
    this.#changed(this.#values, method);
  }

  /** What every setting is unless it was changed; those of a family are the chosen method's. */
  get #standards(): Settings {
    const { family } = methodInfo(this.#method);
    if (family === 'policyGradient')
      return { ...DEFAULT_SETTINGS, policyGradient: policyGradientDefaults(this.#method) };
    if (family === 'preferences') return { ...DEFAULT_SETTINGS, preferences: preferenceDefaults(this.#method) };
    return DEFAULT_SETTINGS;
  }

  get values(): Settings {
    return this.#values;
  }

  fields<G extends SettingsGroup>(group: G): SettingField[] {
    const infos: Record<string, SettingInfo> = { ...SETTINGS[group] };
    const values = new Map<string, number>(Object.entries(this.#values[group]));
    const standards = new Map<string, number>(Object.entries(this.#standards[group]));
    const { family, ignores } = methodInfo(this.#method);
    const ignored = new Set<string>(group === family ? ignores : []);
    return Object.entries(infos).map(([key, info]) => ({
      key,
      info,
      value: values.get(key) ?? 0,
      standard: standards.get(key) ?? 0,
      used: !ignored.has(key),
    }));
  }

  /** Takes a value over when it is in range; returns what is wrong otherwise, and keeps the old one. */
  set(group: SettingsGroup, key: string, value: number): string {
    const field = this.fields(group).find((one) => one.key === key);
    if (!field) return `There is no setting ${group}.${key}.`;
    const problem = settingProblem(field.info, value);
    if (problem) return problem;
    this.#values = { ...this.#values, [group]: { ...this.#values[group], [key]: value } };
    this.#changed(this.#values, this.#method);
    return '';
  }

  reset(group: SettingsGroup): void {
    this.#values = { ...this.#values, [group]: this.#standards[group] };
    this.#changed(this.#values, this.#method);
  }

  /** Takes over what was stored; what is out of range by now falls back to the default. */
  restore(stored: { [G in SettingsGroup]?: Partial<Settings[G]> }, method: unknown = 'PPO'): void {
    const known = METHODS.find(({ name }) => name === method);
    if (known) this.choose(known.name);
    for (const group of ['pretrain', 'sft', 'rewardModel', 'ppo', 'policyGradient', 'preferences', 'chat'] as const) {
      for (const [key, value] of Object.entries(stored[group] ?? {})) {
        if (typeof value === 'number') this.set(group, key, value);
      }
    }
  }
}
