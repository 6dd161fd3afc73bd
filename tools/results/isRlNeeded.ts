/**
 * Is RL needed? The same effort of people, spent on demonstrations or on rankings, and rankings learnt from with and
 * without RL. A ranking of four replies is taken to cost as much as one demonstration.
 */
import {
  DEFAULT_SETTINGS,
  MAX_RESPONSE_TOKENS,
  type PpoSettings,
  type PresetName,
  type RewardModelSettings,
} from '../../src/config';
import { policyGradientDefaults, preferenceDefaults } from '../../src/methods';
import { cloneGpt, disposeGpt, type Gpt } from '../../src/model/gpt';
import { type ImitationSettings, sftOptimiser, superviseFineTune, type TokenisedExample, tokenisedExample } from '../../src/rlhf/sft';
import { tokeniseRanking } from '../../src/rlhf/simulatedRankings';
import type { Estimate, Ranking, WinRate } from '../../src/session/protocol';
import { PreferenceStage } from '../../src/session/stages/preferenceStage';
import { SamplingStage } from '../../src/session/stages/samplingStage';
import type { Stage } from '../../src/session/stage';
import { DEMONSTRATION_SHARES, demonstrations, type StyleShares } from '../../src/text/world/demonstrations';
import { runStage } from './loop';
import type { LoadedModels, ModelFacts } from './models';
import { Progress } from './progress';
import type { Made } from './records';
import { type Rank, TownBench, winsOver } from './townBench';

export const WAYS = [
  'more demonstrations',
  'better demonstrations',
  'imitating the best of each ranking',
  'rejection sampling',
  'DPO',
  'PPO',
] as const;
export type Way = (typeof WAYS)[number];

export interface IsRlNeededPlan {
  preset: PresetName;
  seeds: readonly number[];
  /** Demonstrations, or rankings. */
  labels: number;
  heldOutRankings: number;
  sft: ImitationSettings;
  rewardModel: RewardModelSettings;
  ppo: PpoSettings;
  prompts: number;
  samples: number;
}

export interface WayOutcome {
  winRate: WinRate;
  gold: Estimate;
  kl: number;
}

export interface IsRlNeeded {
  result: 'is-rl-needed';
  plan: IsRlNeededPlan;
  model: ModelFacts;
  seeds: { seed: number; sftGold: number; outcomes: Record<Way, WayOutcome> }[];
  made: Made;
}

/** By someone who takes care. */
const ALL_GOOD: StyleShares = { good: 1, curt: 0, rambling: 0, wrong: 0, rude: 0, refusal: 0 };
/** Demonstrations that no model has seen: of another stream than SFT's. */
const NEW_DEMONSTRATIONS = 500_009;

export function isRlNeededPlan(
  preset: PresetName,
  seeds: readonly number[],
  labels: number,
  quick: boolean,
): IsRlNeededPlan {
  const { rewardModel, ppo } = DEFAULT_SETTINGS;
  return {
    preset,
    seeds,
    labels,
    heldOutRankings: quick ? 3 : 100,
    sft: { examples: 0, epochs: quick ? 1 : 3, batchSize: 16, learningRate: 4e-4 },
    rewardModel: { ...rewardModel, ...(quick ? { epochs: 1 } : {}) },
    ppo: { ...ppo, ...(quick ? { updates: 1, batchSize: 4, minibatchSize: 4 } : {}) },
    prompts: quick ? 4 : 300,
    samples: 2,
  };
}

export async function isRlNeeded(
  { workshop, facts }: LoadedModels,
  plan: IsRlNeededPlan,
  say?: (line: string) => void,
  rank?: Rank,
): Promise<Omit<IsRlNeeded, 'made'>> {
  const progress = new Progress(plan.seeds.length * WAYS.length, say);
  const { tokenizer, world, models } = workshop;
  const { context } = models.shape;
  const quick = plan.ppo.updates === 1;
  const seeds: IsRlNeeded['seeds'] = [];
  for (const seed of plan.seeds) {
    const bench = new TownBench(workshop, { seed, prompts: plan.prompts, samples: plan.samples }, rank);
    const { train } = await bench.learnReward({ ...plan, rankings: plan.labels });
    const before = await bench.judge(bench.sft);
    const judged = async (gpt: Gpt): Promise<WayOutcome> => {
      const { answers, gold, kl } = await bench.judge(gpt);
      return { winRate: winsOver(answers, before.answers), gold, kl };
    };
    const imitate = async (examples: readonly TokenisedExample[]): Promise<WayOutcome> => {
      const gpt = cloneGpt(bench.sft);
      const optimiser = sftOptimiser(gpt);
      for await (const _ of superviseFineTune(gpt, optimiser, examples, plan.sft, tokenizer.specials.pad, seed));
      optimiser.dispose();
      const outcome = await judged(gpt);
      disposeGpt(gpt);
      return outcome;
    };
    const written = (shares: StyleShares): TokenisedExample[] =>
      demonstrations(world, plan.labels, seed + NEW_DEMONSTRATIONS, { shares }).map(({ prompt, reply }) =>
        tokenisedExample(tokenizer, prompt.messages, reply, context),
      );
    const throughStage = async (stage: Stage): Promise<WayOutcome> => {
      await runStage(stage, () => undefined);
      return judged(bench.policy);
    };
    const common = { continuePolicy: false, ownPrompts: [], ownReward: null };
    const rejection = {
      ...policyGradientDefaults('rejection sampling'),
      maxNewTokens: MAX_RESPONSE_TOKENS,
      ...(quick ? { updates: 1, prompts: 4, replies: 2, minibatchSize: 4 } : {}),
    };
    const take: Record<Way, () => Promise<WayOutcome>> = {
      'more demonstrations': () => imitate(written(DEMONSTRATION_SHARES)),
      'better demonstrations': () => imitate(written(ALL_GOOD)),
      'imitating the best of each ranking': () => imitate(bestOf(train, workshop)),
      'rejection sampling': () =>
        throughStage(
          new SamplingStage(
            workshop,
            { ...common, method: 'rejection sampling', settings: rejection },
            seed,
          ),
        ),
      DPO: () =>
        throughStage(
          new PreferenceStage(
            workshop,
            { method: 'DPO', settings: preferenceDefaults('DPO'), rankings: train, continuePolicy: false },
            seed,
          ),
        ),
      PPO: async () => {
        await bench.ppo(plan.ppo);
        return judged(bench.policy);
      },
    };
    const outcomes: Partial<Record<Way, WayOutcome>> = {};
    for (const way of WAYS) {
      outcomes[way] = await take[way]();
      progress.advance(`seed ${seed}: ${way}`);
    }
    seeds.push({ seed, sftGold: before.gold.mean, outcomes: outcomes as Record<Way, WayOutcome> });
  }
  return { result: 'is-rl-needed', plan, model: facts, seeds };
}

/** The first of the best replies of every ranking. */
function bestOf(rankings: readonly Ranking[], { tokenizer, models }: LoadedModels['workshop']): TokenisedExample[] {
  return rankings.map((ranking) => {
    const { prompt, replies, ranks } = tokeniseRanking(tokenizer, ranking, models.shape.context);
    return { prompt, response: replies[ranks.indexOf(Math.min(...ranks))] as number[] };
  });
}
