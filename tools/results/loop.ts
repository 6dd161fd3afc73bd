/**
 * The loop without the page: a simulated labeler ranks what the SFT model says, a reward model learns from it, and PPO
 * makes a policy. It drives the stages that the page's worker drives, with the settings of the page.
 */
import { MAX_RESPONSE_TOKENS, REPLIES_PER_PROMPT, type Settings } from '../../src/config';
import type { Gpt } from '../../src/model/gpt';
import { rewardModelSteps } from '../../src/rlhf/rewardModel';
import { longestReply, simulateRankings } from '../../src/rlhf/simulatedRankings';
import type { Ranking, RewardModelReport } from '../../src/session/protocol';
import type { Stage } from '../../src/session/stage';
import { PpoStage } from '../../src/session/stages/ppoStage';
import { RewardModelStage } from '../../src/session/stages/rewardModelStage';
import type { Workshop } from '../../src/session/workshop';
import { TRAINING_LABELERS } from '../../src/text/world/labeler';
import type { Split } from '../../src/text/world/prompts';

export interface LoopPlan {
  seed: number;
  /** Of `REPLIES_PER_PROMPT` replies each. */
  rankings: number;
  /** Rankings that only judge the reward model. */
  heldOutRankings: number;
  /** Whose rankings the reward model learns from. */
  labeler: keyof typeof TRAINING_LABELERS;
  settings: Pick<Settings, 'rewardModel' | 'ppo'>;
}

/** Rankings sample at this temperature, as rollouts do. */
const TEMPERATURE = 1;

export interface LoopOutcome {
  rewardModel: RewardModelReport;
  ppo: {
    updates: number;
    /** Nats a reply, in the last update. */
    kl: number;
    /** Of the reward model, mean over an update's replies, in the first and in the last. */
    scores: { first: number; last: number };
  };
}

/** Called after some rankings or a step; a piece takes about as long as the replies to 32 prompts. */
export type OnPiece = (what: string, pieces: number) => void;

/** How long the parts of the loop take, in pieces. */
const PIECES = { ranking: 0.05, rewardModelStep: 0.3, update: 2 };

export function piecesOfLoop({ rankings, heldOutRankings, settings }: Omit<LoopPlan, 'seed'>): number {
  return (
    (rankings + heldOutRankings) * PIECES.ranking +
    rewardModelSteps(rankings, settings.rewardModel) * PIECES.rewardModelStep +
    settings.ppo.updates * PIECES.update
  );
}

/**
 * Makes the policy of a workshop that has an SFT model. The policy and the reward model stay in the workshop.
 * The same plan gives the same policy on the same backend.
 */
export async function trainPolicy(workshop: Workshop, plan: LoopPlan, onPiece: OnPiece): Promise<LoopOutcome> {
  const train = await rank(workshop, plan, plan.rankings, 'train', plan.seed, onPiece);
  const heldOut = await rank(workshop, plan, plan.heldOutRankings, 'heldOut', plan.seed + 1, onPiece);
  return learnFrom(workshop, plan, { train, heldOut }, onPiece);
}

/** The loop from rankings on. */
export async function learnFrom(
  workshop: Workshop,
  { seed, settings }: Pick<LoopPlan, 'seed' | 'settings'>,
  { train, heldOut }: Record<'train' | 'heldOut', readonly Ranking[]>,
  onPiece: OnPiece,
): Promise<LoopOutcome> {
  const learning = new RewardModelStage(workshop, settings.rewardModel, train, heldOut, seed);
  await runStage(learning, () => onPiece('reward model', PIECES.rewardModelStep));
  const rewardModel = learning.report as RewardModelReport;

  const kls: number[] = [];
  const scores: number[] = [];
  await runStage(new PpoStage(workshop, settings.ppo, [], false, seed), (metrics) => {
    kls.push(metrics['objective/kl'] ?? NaN);
    scores.push(metrics['objective/scores'] ?? NaN);
    onPiece('PPO', PIECES.update);
  });
  return {
    rewardModel,
    ppo: {
      updates: kls.length,
      kl: kls.at(-1) ?? NaN,
      scores: { first: scores[0] ?? NaN, last: scores.at(-1) ?? NaN },
    },
  };
}

/** A stage from its beginning to its end. */
export async function runStage(stage: Stage, onStep: (metrics: Record<string, number>) => void): Promise<void> {
  try {
    stage.build(null);
    for await (const { metrics } of stage.run(new AbortController().signal)) if (metrics) onStep(metrics);
    await stage.finish();
  } finally {
    stage.release();
  }
}

/** Rankings by the simulated labeler, of what the SFT model says. */
export async function rank(
  { models, tokenizer, world }: Workshop,
  { labeler }: Pick<LoopPlan, 'labeler'>,
  count: number,
  split: Split,
  seed: number,
  onPiece: OnPiece,
): Promise<Ranking[]> {
  const rankings: Ranking[] = [];
  const request = {
    count,
    k: REPLIES_PER_PROMPT,
    split,
    temperature: TEMPERATURE,
    maxNewTokens: longestReply(models.shape.context, MAX_RESPONSE_TOKENS),
    seed,
    weights: TRAINING_LABELERS[labeler],
  };
  for await (const some of simulateRankings(models.gpt('sft') as Gpt, 'sft', tokenizer, world, request)) {
    rankings.push(...some);
    onPiece('rankings', some.length * PIECES.ranking);
  }
  return rankings;
}
