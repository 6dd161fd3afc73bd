/** Which metrics a stage shows, what they are called, and what they mean in a sentence that needs no other. */
import type { StageName } from '../../config';

export interface ChartDefinition {
  title: string;
  /** The first is drawn solid in the stage's colour, others dashed. */
  series: readonly { key: string; label: string }[];
  meaning: string;
  /** Of one row: "update". */
  stepName: string;
  unitOfSteps: string;
}

const PPO = { stepName: 'Update', unitOfSteps: 'updates' };
const STEP = { stepName: 'Step', unitOfSteps: 'steps' };

export const SCORE: ChartDefinition = {
  ...PPO,
  title: 'Score',
  series: [{ key: 'objective/scores', label: 'Score' }],
  meaning:
    'What the reward model gives the replies, on average. It should rise. 0 is an average reply of the SFT model, 1 is one standard deviation better.',
};
export const KL: ChartDefinition = {
  ...PPO,
  title: 'KL',
  series: [
    { key: 'objective/kl', label: 'KL' },
    { key: 'objective/kl_coef', label: 'klCoef' },
  ],
  meaning:
    'How far the replies have moved from what the SFT model would say, in nats a reply. A little is learning, a lot is a model that games its score. klCoef (dashed) is the leash that holds it.',
};
export const ENTROPY: ChartDefinition = {
  ...PPO,
  title: 'Entropy',
  series: [{ key: 'objective/entropy', label: 'Entropy' }],
  meaning:
    'How open the choice of words still is, in nats a reply. A slow fall is normal; a fall to zero means that it says the same thing always.',
};

export const CHARTS: Record<StageName, readonly ChartDefinition[]> = {
  pretrain: [
    {
      ...STEP,
      title: 'Loss',
      series: [{ key: 'loss', label: 'Loss' }],
      meaning: 'How surprised the model is by the next token of the text, in nats. Lower is better.',
    },
  ],
  sft: [
    {
      ...STEP,
      title: 'Loss',
      series: [{ key: 'loss', label: 'Loss' }],
      meaning: 'How surprised the model is by the tokens of the demonstrated replies, in nats. Lower is better.',
    },
  ],
  rewardModel: [
    {
      ...STEP,
      title: 'Loss',
      series: [{ key: 'loss', label: 'Loss' }],
      meaning: 'How badly the scores explain who was ranked above whom. 0.69 is guessing; lower is better.',
    },
    {
      ...STEP,
      title: 'Pairs in order',
      series: [{ key: 'accuracy', label: 'Accuracy' }],
      meaning: 'Share of the pairs of this step in which the better reply got the higher score. 0.5 is guessing.',
    },
  ],
  ppo: [
    SCORE,
    KL,
    {
      ...PPO,
      title: 'Reward',
      series: [{ key: 'objective/rlhf_reward', label: 'Reward' }],
      meaning: 'What PPO really climbs: the score, less klCoef times the KL.',
    },
    ENTROPY,
    {
      ...PPO,
      title: 'Clip fraction',
      series: [{ key: 'policy/clipfrac_avg', label: 'Clip fraction' }],
      meaning:
        'Share of tokens whose odds moved as far as one update may move them. Below 0.05 is healthy; much more means steps that are too big.',
    },
    {
      ...PPO,
      title: 'Value loss',
      series: [{ key: 'loss/value_avg', label: 'Value loss' }],
      meaning:
        'How far off the value model is when it foretells the reward. It should fall, and rises when the policy surprises it.',
    },
  ],
};

/** The three that the thinking panel shows small. */
export const MINI_CHARTS: readonly ChartDefinition[] = [SCORE, KL, ENTROPY];
