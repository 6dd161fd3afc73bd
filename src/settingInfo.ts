/** What every setting is called, what turning it does, its range and unit, and where it comes from. */
import type { Settings } from './config';
import { CHAT, PRETRAIN, SFT } from './settingInfo/languageModel';
import { POLICY_GRADIENT, PREFERENCES } from './settingInfo/otherMethods';
import { PPO } from './settingInfo/ppo';
import { REWARD_MODEL } from './settingInfo/rewardModel';
import type { SettingInfo } from './settingInfo/setting';

export type { SettingInfo } from './settingInfo/setting';

/** What the page shows and checks for every setting. */
export const SETTINGS: { [S in keyof Settings]: { [K in keyof Settings[S]]: SettingInfo } } = {
  pretrain: PRETRAIN,
  sft: SFT,
  rewardModel: REWARD_MODEL,
  ppo: PPO,
  policyGradient: POLICY_GRADIENT,
  preferences: PREFERENCES,
  chat: CHAT,
};
