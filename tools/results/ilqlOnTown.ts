/**
 * ILQL from the rankings' replies alone: it samples nothing. A token earns what it adds to the reward model's normalised
 * score of its reply, which is a sum over tokens (rlhf/tokenCredit.ts); Snell et al. 2022 have rewards for tokens too. The
 * replies are the SFT model's own, so the policy that said them is known, and nothing has to imitate it: it stays as it is,
 * beside a model of its own for the values, as in the paper.
 */
import { cloneGpt, type Gpt, parameterCount } from '../../src/model/gpt';
import type { RewardModel } from '../../src/model/rewardHead';
import {
  ilql,
  ILQL_DEFAULTS,
  ilqlHeadParameters,
  type IlqlModel,
  ilqlModel,
  ilqlOptimiser,
  type IlqlSettings,
  type RewardedReply,
} from '../../src/rlhf/ilql';
import type { TokenisedRanking } from '../../src/rlhf/rewardModel';
import { tokenCredits } from '../../src/rlhf/tokenCredit';

export interface IlqlPlan extends IlqlSettings {
  /** How much a token's worth counts against how likely it is. */
  beta: number;
}

/** Chosen on seeds 10 to 12; what else was tried is in src/README.md. */
export const TOWN_ILQL: IlqlPlan = {
  ...ILQL_DEFAULTS,
  epochs: 8,
  batchSize: 32,
  learningRate: 2e-3,
  cqlScale: 0,
  beta: 4,
};

const REPLIES_AT_ONCE = 80;

/** @param imitator the policy that said the replies; stays, and stays the caller's */
export async function learnIlql(
  imitator: Gpt,
  rewardModel: RewardModel,
  rankings: readonly TokenisedRanking[],
  settings: IlqlSettings,
  pad: number,
  seed: number,
): Promise<{ model: IlqlModel; flops: number }> {
  const replies = await rewarded(rewardModel, rankings, pad);
  const model = ilqlModel(cloneGpt(imitator), seed, { imitator, blank: true });
  const optimiser = ilqlOptimiser(model);
  for await (const _ of ilql(model, optimiser, replies, settings, pad, seed));
  optimiser.dispose();
  return { model, flops: flopsOf(model, replies, settings.epochs) };
}

async function rewarded(
  rewardModel: RewardModel,
  rankings: readonly TokenisedRanking[],
  pad: number,
): Promise<RewardedReply[]> {
  const all = rankings.flatMap(({ prompt, replies }) => replies.map((response) => ({ prompt, response })));
  const found: RewardedReply[] = [];
  for (let first = 0; first < all.length; first += REPLIES_AT_ONCE) {
    const some = all.slice(first, first + REPLIES_AT_ONCE);
    const [prompts, responses] = [some.map(({ prompt }) => prompt), some.map(({ response }) => response)];
    const credits = await tokenCredits([rewardModel], prompts, responses, pad);
    found.push(...some.map((reply, i) => ({ ...reply, rewards: credits[i] as number[] })));
  }
  return found;
}

/** Every reply is scored once; in every epoch it goes forward for what the losses aim at, and is then learned from. */
function flopsOf({ trunk, heads }: IlqlModel, replies: readonly RewardedReply[], epochs: number): number {
  const said = replies.reduce((sum, { response }) => sum + response.length, 0);
  const read = replies.reduce((sum, { prompt }) => sum + prompt.length, said);
  const pass = 2 * (parameterCount(trunk.shape) * read + ilqlHeadParameters(heads) * said);
  return 2 * parameterCount(trunk.shape) * read + epochs * 4 * pass;
}
