/** What each shipped model is trained with, where that differs from the page's settings. */
import { DEFAULT_SETTINGS, type PresetName, type PretrainSettings, type SftSettings } from '../../src/config';

export interface Recipe {
  pretrain: PretrainSettings;
  sft: SftSettings;
}

/** Wider models learn best at lower rates (measured at this scale). */
const CHANGES: Record<PresetName, { pretrain: Partial<PretrainSettings>; sft: Partial<SftSettings> }> = {
  nano: { pretrain: { steps: 15_000 }, sft: { examples: 72_000 } },
  mini: { pretrain: { steps: 13_000, learningRate: 3e-3 }, sft: { examples: 48_000, learningRate: 1.4e-3 } },
  midi: { pretrain: { steps: 5000, learningRate: 2e-3 }, sft: {} },
  small: { pretrain: { learningRate: 1.5e-3 }, sft: { examples: 18_000 } },
};

export function recipeOf(preset: PresetName): Recipe {
  const { pretrain, sft } = CHANGES[preset];
  return {
    pretrain: { ...DEFAULT_SETTINGS.pretrain, ...pretrain },
    sft: { ...DEFAULT_SETTINGS.sft, ...sft },
  };
}
