/** The stages as the page shows them: name, colour and shape are the same in rail, chat, charts and tables. */
import type { StageName } from '../config';
import type { Contestant, ModelRole } from '../session/protocol';

export type StageShape = 'circle' | 'square' | 'person' | 'diamond' | 'triangle';

export interface StageLook {
  label: string;
  shape: StageShape;
  /** A CSS colour of theme.css. */
  colour: string;
  /** What it is, in one plain sentence. */
  sentence: string;
}

export const BASE: StageLook = {
  label: 'Base',
  shape: 'circle',
  colour: 'var(--base)',
  sentence: 'Read a small world and learned to go on with a text.',
};
export const SFT: StageLook = {
  label: 'SFT',
  shape: 'square',
  colour: 'var(--sft)',
  sentence: 'Imitates worked examples, so that it answers.',
};
export const RANK: StageLook = {
  label: 'Rank',
  shape: 'person',
  colour: 'var(--person)',
  sentence: 'You say which replies are better.',
};
export const REWARD_MODEL: StageLook = {
  label: 'Reward model',
  shape: 'diamond',
  colour: 'var(--reward-model)',
  sentence: 'Learns from your rankings to score any reply.',
};
export const POLICY: StageLook = {
  label: 'PPO',
  shape: 'triangle',
  colour: 'var(--policy)',
  sentence: 'Tries replies and moves towards those that score well.',
};

export const LOOK_OF_STAGE: Record<StageName, StageLook> = {
  pretrain: BASE,
  sft: SFT,
  rewardModel: REWARD_MODEL,
  ppo: POLICY,
};

export const LOOK_OF_MODEL: Record<ModelRole, StageLook> = {
  base: BASE,
  sft: SFT,
  policy: { ...POLICY, label: 'RLHF policy' },
};

/** Who is compared; best of n is the reward model's choice. */
export const LOOK_OF_CONTESTANT: Record<Contestant, StageLook> = {
  ...LOOK_OF_MODEL,
  bestOfN: {
    ...REWARD_MODEL,
    label: 'Best of n',
    sentence: 'The reward model picks one of several replies of the SFT model.',
  },
};

/** What the person does at a stage, as the label of its run. */
export const NAME_OF_STAGE: Record<StageName, string> = {
  pretrain: 'Pretraining',
  sft: 'Supervised fine-tuning',
  rewardModel: 'Reward model',
  ppo: 'PPO',
};
