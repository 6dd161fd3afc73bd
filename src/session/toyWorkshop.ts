/** For tests: everything a stage works with, so small that a whole run takes a second. */
import { DEFAULT_SETTINGS, type Settings } from '../config';
import { readVariables } from '../model/checkpoint';
import { disposeGpt } from '../model/gpt';
import { tinyGpt } from '../model/tinyGpt';
import { TOY, toyWorld } from '../rlhf/toyWorld';
import { Models } from './models';
import type { Ranking } from './protocol';
import type { Workshop } from './workshop';

/** With base and SFT models that nobody trained. */
export async function toyWorkshop(): Promise<Workshop> {
  const models = new Models(TOY);
  for (const [seed, role] of (['base', 'sft'] as const).entries()) {
    const gpt = tinyGpt(seed + 1, TOY);
    models.load(role, await readVariables(gpt.parameters), 'shipped');
    disposeGpt(gpt);
  }
  return { models, ...toyWorld() };
}

/** Runs of a few steps. */
export const TOY_SETTINGS: Settings = {
  pretrain: { ...DEFAULT_SETTINGS.pretrain, steps: 4, batchSize: 2, sequenceLength: 16, warmupSteps: 1 },
  sft: { ...DEFAULT_SETTINGS.sft, examples: 6, epochs: 2, batchSize: 3 },
  rewardModel: { ...DEFAULT_SETTINGS.rewardModel, epochs: 2, rankingsPerStep: 4 },
  ppo: { ...DEFAULT_SETTINGS.ppo, updates: 3, batchSize: 6, minibatchSize: 4, maxNewTokens: 6 },
  policyGradient: {
    ...DEFAULT_SETTINGS.policyGradient,
    ...{ updates: 3, prompts: 3, replies: 2, minibatchSize: 4, maxNewTokens: 6 },
  },
  preferences: { ...DEFAULT_SETTINGS.preferences, epochs: 2, rankingsPerStep: 4 },
  chat: { ...DEFAULT_SETTINGS.chat, maxNewTokens: 6 },
};

/** Rankings of two replies, the first of which is better. */
export function toyRankings(count: number): Ranking[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `toy-${i}`,
    conversation: [{ role: 'user', text: `Is ${i} a number?` }],
    replies: [`Yes, ${i} is.`, 'dunno lol'],
    ranks: [1, 2],
    labeler: 'person',
  }));
}
