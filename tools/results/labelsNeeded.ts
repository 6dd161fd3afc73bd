/**
 * Labels needed: how often the tuned policy wins over SFT, against the number of rankings; and whether rankings that an
 * ensemble of reward models disagrees about are worth more than those that chance brings.
 */
import { DEFAULT_SETTINGS, type PpoSettings, type PresetName, type RewardModelSettings } from '../../src/config';
import { mostDisputed } from '../../src/rlhf/activeChoice';
import { scoreReplies } from '../../src/rlhf/rewardModel';
import { tokeniseRanking } from '../../src/rlhf/simulatedRankings';
import type { Ranking, WinRate } from '../../src/session/protocol';
import { type Makeup, makeupOf } from './makeup';
import type { LoadedModels, ModelFacts } from './models';
import { Progress } from './progress';
import type { Made } from './records';
import { type Rank, TownBench, winsOver } from './townBench';

export interface LabelsNeededPlan {
  preset: PresetName;
  seeds: readonly number[];
  counts: readonly number[];
  heldOutRankings: number;
  /** Of those that active choice has: how many there are to choose from for each that is chosen, ... */
  poolFactor: number;
  /** ... and reward models that have to agree. */
  members: number;
  rewardModel: RewardModelSettings;
  ppo: PpoSettings;
  prompts: number;
  samples: number;
}

export type Choice = 'random' | 'active';

export interface LabelsPoint {
  rankings: number;
  choice: Choice;
  heldOutAccuracy: number | null;
  winRate: WinRate;
  gold: number;
  /** Of the rankings that were learned from. */
  makeup: Makeup | null;
}

export interface LabelsNeeded {
  result: 'labels-needed';
  plan: LabelsNeededPlan;
  model: ModelFacts;
  seeds: { seed: number; sftGold: number; points: LabelsPoint[] }[];
  made: Made;
}

export function labelsNeededPlan(preset: PresetName, seeds: readonly number[], quick: boolean): LabelsNeededPlan {
  const { rewardModel, ppo } = DEFAULT_SETTINGS;
  return {
    preset,
    seeds,
    counts: quick ? [4, 6] : [10, 30, 100, 300],
    heldOutRankings: quick ? 3 : 100,
    poolFactor: 3,
    members: quick ? 2 : 3,
    rewardModel: { ...rewardModel, ...(quick ? { epochs: 1 } : {}) },
    ppo: { ...ppo, ...(quick ? { updates: 1, batchSize: 4, minibatchSize: 4 } : {}) },
    prompts: quick ? 4 : 300,
    samples: 2,
  };
}

export async function labelsNeeded(
  { workshop, facts }: LoadedModels,
  plan: LabelsNeededPlan,
  say?: (line: string) => void,
  rank?: Rank,
): Promise<Omit<LabelsNeeded, 'made'>> {
  const progress = new Progress(plan.seeds.length * plan.counts.length * 2, say);
  const seeds: LabelsNeeded['seeds'] = [];
  for (const seed of plan.seeds) {
    const bench = new TownBench(workshop, { seed, prompts: plan.prompts, samples: plan.samples }, rank);
    const pool = await bench.rankings(plan.poolFactor * Math.max(...plan.counts));
    const heldOut = await bench.rankings(plan.heldOutRankings, 'heldOut');
    const before = await bench.judge(bench.sft);
    const points: LabelsPoint[] = [];
    for (const choice of ['random', 'active'] as const) {
      // Active choice begins with the smallest number as it comes, and then goes from each number to the next.
      let chosen: readonly Ranking[] = pool.slice(0, plan.counts[0]);
      for (const count of plan.counts) {
        const same = choice === 'active' && points.find(({ rankings }) => rankings === count && count === chosen.length);
        if (same) {
          points.push({ ...same, choice });
          progress.advance(`seed ${seed}: ${count} rankings, as they come`);
          continue;
        }
        if (count > chosen.length)
          chosen = choice === 'random' ? pool.slice(0, count) : await chooseMore(bench, plan, chosen, pool, count);
        const { heldOutAccuracy } = await bench.rewardModel(plan.rewardModel, chosen, heldOut);
        await bench.ppo(plan.ppo);
        const { answers, gold } = await bench.judge(bench.policy);
        const winRate = winsOver(answers, before.answers);
        points.push({ rankings: count, choice, heldOutAccuracy, winRate, gold: gold.mean, makeup: makeupOf(chosen) });
        progress.advance(`seed ${seed}: ${count} rankings, ${choice}`);
      }
    }
    seeds.push({ seed, sftGold: before.gold.mean, points });
  }
  return { result: 'labels-needed', plan, model: facts, seeds };
}

/** Those of the pool about whose replies reward models of the rankings so far disagree most. */
async function chooseMore(
  bench: TownBench,
  { rewardModel, members, poolFactor }: LabelsNeededPlan,
  chosen: readonly Ranking[],
  pool: readonly Ranking[],
  count: number,
): Promise<readonly Ranking[]> {
  const { workshop, seed } = bench;
  const { tokenizer, models } = workshop;
  const there = new Set(chosen);
  const candidates = pool.slice(0, poolFactor * count).filter((ranking) => !there.has(ranking));
  const tokenised = candidates.map((ranking) => tokeniseRanking(tokenizer, ranking, models.shape.context));
  const prompts = tokenised.flatMap(({ prompt, replies }) => replies.map(() => prompt));
  const replies = tokenised.flatMap((own) => own.replies);
  const scores: Float32Array[] = [];
  await bench.rewardModel({ ...rewardModel, members }, chosen, [], seed + 1);
  for (const member of models.rewardModels)
    scores.push(await scoreReplies(member, prompts, replies, tokenizer.specials.pad));
  const disputed = mostDisputed(
    tokenised.map((own) => own.replies.length),
    scores,
    count - chosen.length,
  );
  return [...chosen, ...disputed.map((i) => candidates[i] as Ranking)];
}
