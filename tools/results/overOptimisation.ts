/**
 * Over-optimisation: gold and proxy against the square root of the KL, where a reward model is followed without a leash,
 * by PPO and by best of n, for reward models of more and more comparisons.
 * Gao, Schulman and Hilton 2022 (arXiv:2210.10760).
 *
 *   d = √KL;   best of n: R(d) = d (α - β d);   RL: R(d) = d (α - β log d)
 */
import { DEFAULT_SETTINGS, type PpoSettings, type PresetName, type RewardModelSettings } from '../../src/config';
import type { RewardModel } from '../../src/model/rewardHead';
import { expectedBest } from './bestOfNCurve';
import { bestOfNKlBound } from '../../src/rlhf/bestOfN';
import type { LoadedModels, ModelFacts } from './models';
import { Progress } from './progress';
import type { Made } from './records';
import { mean, type Rank, TownBench } from './townBench';

export interface OverOptimisationPlan {
  preset: PresetName;
  seeds: readonly number[];
  /** Pairs that reward models learn from. */
  comparisons: readonly number[];
  heldOutRankings: number;
  rewardModel: RewardModelSettings;
  ppo: PpoSettings;
  /** PPO is judged after every so many updates. */
  evaluateEvery: number;
  prompts: number;
  samples: number;
  /** Of best of n, and how many replies to each prompt they are drawn from. */
  n: readonly number[];
  pool: number;
}

export interface OptimisationPoint {
  /** Nats a reply; of best of n, its upper bound, as in the paper. */
  kl: number;
  /** 0 to 1. */
  gold: number;
  /** Deviations of the reward model. */
  proxy: number;
}

/** α and β of a curve, and where it turns down. */
export interface Fit {
  alpha: number;
  beta: number;
  /** d at the peak; null where the curve has none. */
  peak: number | null;
}

export interface OverOptimisation {
  result: 'over-optimisation';
  plan: OverOptimisationPlan;
  model: ModelFacts;
  seeds: {
    seed: number;
    sizes: {
      comparisons: number;
      heldOutAccuracy: number | null;
      rl: OptimisationPoint[];
      bestOfN: OptimisationPoint[];
      fits: { rl: Fit; bestOfN: Fit };
    }[];
  }[];
  made: Made;
}

/** Pairs of a ranking of four replies, if none tie. */
const PAIRS = 6;

export function overOptimisationPlan(
  preset: PresetName,
  seeds: readonly number[],
  quick: boolean,
): OverOptimisationPlan {
  const { rewardModel, ppo } = DEFAULT_SETTINGS;
  const unleashed = { ...ppo, klCoef: 0, adaptiveKl: 0, batchSize: 64, minibatchSize: 16, ppoEpochs: 4, learningRate: 3e-4 };
  return {
    preset,
    seeds,
    comparisons: quick ? [12, 24] : [50, 200, 1000, 4000],
    heldOutRankings: quick ? 3 : 100,
    rewardModel: { ...rewardModel, ...(quick ? { epochs: 1 } : {}) },
    ppo: { ...unleashed, ...(quick ? { updates: 2, batchSize: 4, minibatchSize: 4 } : { updates: 60 }) },
    evaluateEvery: quick ? 1 : 2,
    prompts: quick ? 4 : 100,
    samples: quick ? 1 : 2,
    n: quick ? [1, 2] : [1, 2, 4, 8, 16, 32, 64],
    pool: quick ? 4 : 64,
  };
}

export async function overOptimisation(
  { workshop, facts }: LoadedModels,
  plan: OverOptimisationPlan,
  say?: (line: string) => void,
  rank?: Rank,
): Promise<Omit<OverOptimisation, 'made'>> {
  const progress = new Progress(plan.seeds.length * plan.comparisons.length, say);
  const seeds: OverOptimisation['seeds'] = [];
  for (const seed of plan.seeds) {
    const bench = new TownBench(workshop, { seed, prompts: plan.prompts, samples: plan.samples }, rank);
    const most = Math.ceil(Math.max(...plan.comparisons) / PAIRS);
    const [train, heldOut] = [await bench.rankings(most), await bench.rankings(plan.heldOutRankings, 'heldOut')];
    const pooled = await new TownBench(workshop, { seed, prompts: plan.prompts, samples: plan.pool }).answers(bench.sft);
    const sizes: OverOptimisation['seeds'][number]['sizes'] = [];
    for (const comparisons of plan.comparisons) {
      const own = train.slice(0, Math.ceil(comparisons / PAIRS));
      const { heldOutAccuracy } = await bench.rewardModel(plan.rewardModel, own, heldOut);
      const rewardModel = workshop.models.rewardModels[0] as RewardModel;
      const scored = await Promise.all(pooled.map((answers) => bench.scores(rewardModel, answers)));
      const bestOfN = plan.n.map((n): OptimisationPoint => {
        const of = (values: (p: number) => readonly number[]): number =>
          mean(scored.map((scores, p) => expectedBest(scores, values(p), n)));
        const gold = of((p) => (pooled[p] ?? []).map((answer) => answer.gold));
        return { kl: bestOfNKlBound(n), gold, proxy: of((p) => scored[p] as number[]) };
      });
      const rl = [await pointOf(bench, bench.sft)];
      await bench.ppo(plan.ppo, async (update) => {
        if (update % plan.evaluateEvery === 0) rl.push(await pointOf(bench, bench.policy));
      });
      const fits = { rl: fitted(rl, (d) => d * Math.log(d)), bestOfN: fitted(bestOfN, (d) => d * d) };
      fits.rl.peak = fits.rl.beta > 0 ? Math.exp(fits.rl.alpha / fits.rl.beta - 1) : null;
      fits.bestOfN.peak = fits.bestOfN.beta > 0 ? fits.bestOfN.alpha / (2 * fits.bestOfN.beta) : null;
      sizes.push({ comparisons, heldOutAccuracy, rl, bestOfN, fits });
      progress.advance(`seed ${seed}: ${comparisons} comparisons`);
    }
    seeds.push({ seed, sizes });
  }
  return { result: 'over-optimisation', plan, model: facts, seeds };
}

async function pointOf(bench: TownBench, gpt: TownBench['sft']): Promise<OptimisationPoint> {
  const { gold, proxy, kl } = await bench.judge(gpt);
  return { kl: Math.max(0, kl), gold: gold.mean, proxy: proxy as number };
}

/** Least squares of gold - gold at the start = α d - β cost(d). */
export function fitted(points: readonly OptimisationPoint[], cost: (d: number) => number): Fit {
  const start = points[0]?.gold ?? 0;
  let [dd, dc, cc, dy, cy] = [0, 0, 0, 0, 0];
  for (const { kl, gold } of points) {
    const d = Math.sqrt(kl);
    if (d === 0) continue;
    const [c, y] = [-cost(d), gold - start];
    dd += d * d;
    dc += d * c;
    cc += c * c;
    dy += d * y;
    cy += c * y;
  }
  const determinant = dd * cc - dc * dc;
  if (Math.abs(determinant) < 1e-12) return { alpha: NaN, beta: NaN, peak: null };
  return { alpha: (dy * cc - cy * dc) / determinant, beta: (cy * dd - dy * dc) / determinant, peak: null };
}
