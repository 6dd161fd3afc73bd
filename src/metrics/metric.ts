/** What is known of a reported number, and within which bounds it is healthy; the bounds may depend on the run. */
import {
  DEFAULT_SETTINGS,
  type PolicyGradientSettings,
  type PpoSettings,
  type PreferenceSettings,
  type RewardModelSettings,
  type Settings,
  type StageName,
} from '../config';

export interface HealthyRange {
  /** Below this the page marks the value; null for no bound. */
  low: number | null;
  /** Above this the page marks the value; null for no bound. */
  high: number | null;
  /** The first step that is judged, where a healthy run only comes there; 1 unless given. */
  from?: number;
  /** What healthy looks like, and what it means when it does not, in a few plain sentences; without a bound, why. */
  note: string;
}

export interface MetricInfo {
  /** What the page calls it. */
  label: string;
  /** One plain sentence. */
  meaning: string;
  /** Empty for a pure number. */
  unit: string;
  /** Exactly what is computed. Where it is a mean, over what; padding is never in it. */
  formula: string;
  /** Where the field's tools compute or name it otherwise; null where none is known to. */
  differs: string | null;
  healthy: HealthyRange | ((run: RunStart) => HealthyRange);
}

/** What a run was started with. */
export interface RunStart {
  /** Of its stage; null where nobody knows, and the defaults are taken. */
  settings: Settings[StageName] | null;
  /** Of a policy that is not made by PPO; the leash is then still held as `settings` says. */
  method: { name: string; settings: PolicyGradientSettings | PreferenceSettings } | null;
}

/** A run with the default settings. */
export const DEFAULT_START: RunStart = { settings: null, method: null };

export const within = (low: number | null, high: number | null, note: string): HealthyRange => ({ low, high, note });

/** For a number whose level alone says nothing. */
export const watch = (note: string): HealthyRange => within(null, null, note);

export const rewardModelSettings = ({ settings }: RunStart): RewardModelSettings => ({
  ...DEFAULT_SETTINGS.rewardModel,
  ...(settings as Partial<RewardModelSettings> | null),
});

/** PPO's, and in their place those of another method that samples. */
export const policySettings = ({ settings, method }: RunStart): PpoSettings & Partial<PolicyGradientSettings> => ({
  ...DEFAULT_SETTINGS.ppo,
  ...(settings as Partial<PpoSettings> | null),
  ...(method?.settings as Partial<PolicyGradientSettings> | undefined),
});

/** A number in a note. */
export const figure = (value: number): string => String(Number(value.toPrecision(3)));

export const LEARNING_RATE: MetricInfo = {
  label: 'Learning rate',
  meaning: 'How far a step moves the weights now.',
  unit: '',
  formula: 'The rate that Adam is given at this step.',
  differs: null,
  healthy: watch('Follows its schedule: here it falls over the run.'),
};

export const GRAD_NORM: MetricInfo = {
  label: 'Gradient norm',
  meaning: 'Length of the gradient before it is clipped.',
  unit: '',
  formula: 'Square root of the sum of the squares of all gradients of the step, before clipping.',
  differs: null,
  healthy: watch(
    'Steady or slowly falling; its size depends on model and loss. A spike that does not come back comes before divergence.',
  ),
};
