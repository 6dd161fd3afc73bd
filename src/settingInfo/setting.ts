/** What is known of a setting, and how those that come again and again are written. */
export interface SettingInfo {
  /** What the page calls it. */
  label: string;
  /** The field's own word. */
  term: string;
  /** One plain sentence: what turning it does. */
  help: string;
  unit: string;
  min: number;
  max: number;
  /** Whole numbers only. */
  integer: boolean;
  /** What a value must exceed unless it is 0, which is off. */
  above?: number;
  /** What the numbers from `min` on stand for, where they are names. */
  choices?: readonly string[];
  source: string;
  /** Nobody should want it, but to see what it does: a switch of a lesson. */
  mistake?: true;
}

export const MEASURED = 'measured at this scale';
export const rate = (term: string, help: string, source: string): SettingInfo => ({
  label: 'Learning rate',
  term,
  help,
  unit: '',
  min: 0,
  max: 0.1,
  integer: false,
  source,
});
export const count = (
  label: string,
  term: string,
  help: string,
  unit: string,
  max: number,
  source: string,
): SettingInfo => ({
  label,
  term,
  help,
  unit,
  min: 1,
  max,
  integer: true,
  source,
});

/** A switch that nobody should want, but to see what it does. */
export const mistake = (label: string, term: string, help: string): SettingInfo => ({
  label,
  term,
  help,
  unit: '',
  min: 0,
  max: 1,
  integer: true,
  source: '',
  mistake: true,
});
