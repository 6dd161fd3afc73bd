/**
 * Best of n under its bounds, and against PPO at equal KL: KL ≤ log n - (n - 1) / n and win rate ≤ n / (n + 1).
 * Beirami et al. 2024 (arXiv:2401.01879); Gao et al. 2022.
 */
import { DEFAULT_SETTINGS, type PpoSettings, type PresetName, type RewardModelSettings } from '../../src/config';
import type { RewardModel } from '../../src/model/rewardHead';
import { bestOfNKlBound } from '../../src/rlhf/bestOfN';
import type { RewardModelReport } from '../../src/session/protocol';
import { expectedBest, poolKl, standings } from './bestOfNCurve';
import type { LoadedModels, ModelFacts } from './models';
import { Progress } from './progress';
import type { Made } from './records';
import { mean, type Rank, TownBench } from './townBench';

export interface BestOfNPlan {
  preset: PresetName;
  seeds: readonly number[];
  rankings: number;
  heldOutRankings: number;
  rewardModel: RewardModelSettings;
  ppo: PpoSettings;
  /** PPO is run once with each as the target of its controller. */
  klTargets: readonly number[];
  prompts: number;
  samples: number;
  n: readonly number[];
  /** Replies to each prompt that the best are drawn from. */
  pool: number;
}

export interface BestOfNPoint {
  n: number;
  kl: number;
  klBound: number;
  /** By the reward model itself, against a sample of the SFT model. */
  proxyWinRate: number;
  gold: number;
  proxy: number;
}

export interface BestOfNResult {
  result: 'best-of-n';
  plan: BestOfNPlan;
  model: ModelFacts;
  seeds: {
    seed: number;
    rewardModel: RewardModelReport;
    sftGold: number;
    bestOfN: BestOfNPoint[];
    ppo: { target: number; kl: number; gold: number; proxy: number }[];
  }[];
  made: Made;
}

export function bestOfNPlan(
  preset: PresetName,
  seeds: readonly number[],
  rankings: number,
  quick: boolean,
): BestOfNPlan {
  const { rewardModel, ppo } = DEFAULT_SETTINGS;
  return {
    preset,
    seeds,
    rankings,
    heldOutRankings: quick ? 3 : 100,
    rewardModel: { ...rewardModel, ...(quick ? { epochs: 1 } : {}) },
    ppo: { ...ppo, ...(quick ? { updates: 1, batchSize: 4, minibatchSize: 4 } : {}) },
    klTargets: quick ? [1] : [0.5, 1, 2, 4],
    prompts: quick ? 4 : 150,
    samples: quick ? 1 : 2,
    n: quick ? [1, 2] : [1, 2, 4, 8, 16, 32],
    pool: quick ? 4 : 128,
  };
}

export async function bestOfNResult(
  { workshop, facts }: LoadedModels,
  plan: BestOfNPlan,
  say?: (line: string) => void,
  rank?: Rank,
): Promise<Omit<BestOfNResult, 'made'>> {
  const progress = new Progress(plan.seeds.length * (1 + plan.klTargets.length), say);
  const seeds: BestOfNResult['seeds'] = [];
  for (const seed of plan.seeds) {
    const bench = new TownBench(workshop, { seed, prompts: plan.prompts, samples: plan.samples }, rank);
    const { report: rewardModel } = await bench.learnReward(plan);
    const model = workshop.models.rewardModels[0] as RewardModel;
    const pooled = await new TownBench(workshop, { seed, prompts: plan.prompts, samples: plan.pool }).answers(bench.sft);
    const scored: number[][] = [];
    for (const answers of pooled) scored.push(await bench.scores(model, answers));
    const bestOfN = plan.n.map((n): BestOfNPoint => {
      const each = (own: (p: number, scores: number[]) => number): number => mean(scored.map((scores, p) => own(p, scores)));
      return {
        n,
        kl: each((p, scores) => poolKl((pooled[p] ?? []).map(({ response }) => response.join(' ')), scores, n)),
        klBound: bestOfNKlBound(n),
        proxyWinRate: each((_, scores) => expectedBest(scores, standings(scores), n)),
        gold: each((p, scores) => expectedBest(scores, (pooled[p] ?? []).map(({ gold }) => gold), n)),
        proxy: each((_, scores) => expectedBest(scores, scores, n)),
      };
    });
    progress.advance(`seed ${seed}: best of n`);
    const ppo: BestOfNResult['seeds'][number]['ppo'] = [];
    for (const target of plan.klTargets) {
      await bench.ppo({ ...plan.ppo, klTarget: target });
      const { kl, gold, proxy } = await bench.judge(bench.policy);
      ppo.push({ target, kl, gold: gold.mean, proxy: proxy as number });
      progress.advance(`seed ${seed}: PPO at ${target} nats`);
    }
    const sftGold = mean(pooled.flat().map(({ gold }) => gold));
    seeds.push({ seed, rewardModel, sftGold, bestOfN, ppo });
  }
  return { result: 'best-of-n', plan, model: facts, seeds };
}
