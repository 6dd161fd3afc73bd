/**
 * The alignment tax: what PPO costs in what the model knew before, and what the pretraining mix (PPO-ptx) gives back.
 * Ouyang et al. 2022, sections 3.5 and 4.2.
 */
import { DEFAULT_SETTINGS, type PpoSettings, type PresetName, type RewardModelSettings } from '../../src/config';
import type { Gpt } from '../../src/model/gpt';
import { predictText } from './heldOutText';
import type { LoadedModels, ModelFacts } from './models';
import { Progress } from './progress';
import type { Made } from './records';
import { mean, type Rank, rightByKind, TownBench } from './townBench';

export interface AlignmentTaxPlan {
  preset: PresetName;
  seeds: readonly number[];
  rankings: number;
  heldOutRankings: number;
  rewardModel: RewardModelSettings;
  ppo: PpoSettings;
  /** Of the pretraining loss; 0 is plain PPO. */
  ptxCoefs: readonly number[];
  prompts: number;
  samples: number;
  /** Of held-out text. */
  windows: number;
}

export interface TaxPoint {
  /** Of held-out text of the web. */
  perplexity: number;
  /** Mean gold at temperature 1. */
  gold: number;
  /** Greedy, over all kinds and by kind. */
  right: number;
  rightByKind: Record<string, number>;
  kl: number;
}

export interface AlignmentTax {
  result: 'alignment-tax';
  plan: AlignmentTaxPlan;
  model: ModelFacts;
  seeds: { seed: number; base: number; sft: TaxPoint; ppo: { ptxCoef: number; point: TaxPoint }[] }[];
  made: Made;
}

export function alignmentTaxPlan(
  preset: PresetName,
  seeds: readonly number[],
  rankings: number,
  quick: boolean,
): AlignmentTaxPlan {
  const { rewardModel, ppo } = DEFAULT_SETTINGS;
  return {
    preset,
    seeds,
    rankings,
    heldOutRankings: quick ? 3 : 100,
    rewardModel: { ...rewardModel, ...(quick ? { epochs: 1 } : {}) },
    ppo: { ...ppo, ...(quick ? { updates: 1, batchSize: 4, minibatchSize: 4 } : {}) },
    ptxCoefs: quick ? [0, 1] : [0, 0.01, 0.1, 1],
    prompts: quick ? 6 : 300,
    samples: quick ? 1 : 2,
    windows: quick ? 4 : 256,
  };
}

export async function alignmentTax(
  { workshop, facts }: LoadedModels,
  plan: AlignmentTaxPlan,
  say?: (line: string) => void,
  rank?: Rank,
): Promise<Omit<AlignmentTax, 'made'>> {
  const progress = new Progress(plan.seeds.length * plan.ptxCoefs.length, say);
  const { tokenizer, world, models } = workshop;
  const perplexityOf = async (gpt: Gpt): Promise<number> =>
    (await predictText(gpt, tokenizer, world, plan.windows)).perplexity;
  const seeds: AlignmentTax['seeds'] = [];
  for (const seed of plan.seeds) {
    const bench = new TownBench(workshop, { seed, prompts: plan.prompts, samples: plan.samples }, rank);
    await bench.learnReward(plan);
    const pointOf = async (gpt: Gpt): Promise<TaxPoint> => {
      const { gold, kl } = await bench.judge(gpt);
      const greedy = (await bench.answers(gpt, 0)).flat();
      const right = mean(greedy.map(({ parts }) => Number(parts.right === 1)));
      return { perplexity: await perplexityOf(gpt), gold: gold.mean, right, rightByKind: rightByKind(greedy), kl };
    };
    const base = await perplexityOf(models.gpt('base') as Gpt);
    const sft = await pointOf(bench.sft);
    const ppo: AlignmentTax['seeds'][number]['ppo'] = [];
    for (const ptxCoef of plan.ptxCoefs) {
      await bench.ppo({ ...plan.ppo, ptxCoef });
      ppo.push({ ptxCoef, point: await pointOf(bench.policy) });
      progress.advance(`seed ${seed}: PPO with a mix of ${ptxCoef}`);
    }
    seeds.push({ seed, base, sft, ppo });
  }
  return { result: 'alignment-tax', plan, model: facts, seeds };
}
