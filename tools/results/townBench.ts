/** What the experiments on the whole loop share: reward models, policies, and how both are judged, for one seed. */
import { MAX_RESPONSE_TOKENS, type PpoSettings, type RewardModelSettings } from '../../src/config';
import type { Gpt } from '../../src/model/gpt';
import type { RewardModel } from '../../src/model/rewardHead';
import { promptRows, type Answer } from '../../src/rlhf/answers';
import { scoreReplies } from '../../src/rlhf/rewardModel';
import { driftOf } from '../../src/rlhf/rollout';
import { meanByPrompt, pairedChoices, winRate } from '../../src/rlhf/winRate';
import type { Estimate, MetricValues, Ranking, RewardModelReport, WinRate } from '../../src/session/protocol';
import { PpoStage } from '../../src/session/stages/ppoStage';
import { RewardModelStage } from '../../src/session/stages/rewardModelStage';
import type { Workshop } from '../../src/session/workshop';
import { samplePrompts, type Split, type WorldPrompt } from '../../src/text/world/prompts';
import { answersOf } from './answers';
import { rank, runStage } from './loop';

const ROWS_AT_ONCE = 64;

/** Where rankings come from; replies of models that nobody trained are all the same to a labeler, so tests bring theirs. */
export type Rank = (workshop: Workshop, count: number, split: Split, seed: number) => Promise<Ranking[]>;

export const simulatedRank: Rank = (workshop, count, split, seed) =>
  rank(workshop, { labeler: 'balanced' }, count, split, seed, () => undefined);

/** How a policy does on the bench's prompts. */
export interface Judged {
  answers: Answer[][];
  gold: Estimate;
  /** Of the reward model that there is; null without one. */
  proxy: number | null;
  /** Nats a reply from the SFT model. */
  kl: number;
}

export interface BenchRequest {
  seed: number;
  /** Held out, that every policy is judged on, ... */
  prompts: number;
  /** ... and replies to each, at temperature 1. */
  samples: number;
}

export class TownBench {
  readonly workshop: Workshop;
  readonly seed: number;
  readonly prompts: readonly WorldPrompt[];
  readonly #samples: number;
  readonly #rank: Rank;

  constructor(workshop: Workshop, { seed, prompts, samples }: BenchRequest, rankBy: Rank = simulatedRank) {
    this.workshop = workshop;
    this.seed = seed;
    this.prompts = samplePrompts(workshop.world, 'heldOut', prompts, seed);
    this.#samples = samples;
    this.#rank = rankBy;
  }

  get sft(): Gpt {
    return this.workshop.models.gpt('sft') as Gpt;
  }

  get policy(): Gpt {
    return this.workshop.models.gpt('policy') as Gpt;
  }

  /** Of replies of the SFT model; those of the held-out side have other prompts. */
  rankings(count: number, split: Split = 'train', seed = this.seed): Promise<Ranking[]> {
    return this.#rank(this.workshop, count, split, split === 'train' ? seed : seed + 1);
  }

  /** As most experiments begin: so many rankings, and the reward model that learns from them. */
  async learnReward(plan: {
    rankings: number;
    heldOutRankings: number;
    rewardModel: RewardModelSettings;
  }): Promise<{ train: Ranking[]; report: RewardModelReport }> {
    const train = await this.rankings(plan.rankings);
    const heldOut = await this.rankings(plan.heldOutRankings, 'heldOut');
    return { train, report: await this.rewardModel(plan.rewardModel, train, heldOut) };
  }

  /** The reward model stays in the workshop. */
  async rewardModel(
    settings: RewardModelSettings,
    train: readonly Ranking[],
    heldOut: readonly Ranking[],
    seed = this.seed,
  ): Promise<RewardModelReport> {
    const stage = new RewardModelStage(this.workshop, settings, train, heldOut, seed);
    await runStage(stage, () => undefined);
    return stage.report as RewardModelReport;
  }

  /**
   * PPO from the SFT model; the policy stays in the workshop.
   * @param atUpdate called after each update, with the policy as it is then
   */
  async ppo(
    settings: PpoSettings,
    atUpdate: (update: number, metrics: MetricValues) => Promise<void> | void = () => undefined,
  ): Promise<void> {
    const stage = new PpoStage(this.workshop, settings, [], false, this.seed);
    try {
      stage.build(null);
      for await (const { step, metrics } of stage.run(new AbortController().signal))
        if (metrics) await atUpdate(step, metrics);
      await stage.finish();
    } finally {
      stage.release();
    }
  }

  /** What a model says to the bench's prompts. @param temperature 0 is greedy, one reply each */
  answers(gpt: Gpt, temperature = 1): Promise<Answer[][]> {
    const { tokenizer, world } = this.workshop;
    const request = { samplesPerPrompt: temperature === 0 ? 1 : this.#samples, temperature, seed: this.seed };
    return answersOf({ gpt, role: 'policy', tokenizer }, world, this.prompts, request, () => undefined);
  }

  async judge(gpt: Gpt): Promise<Judged> {
    const answers = await this.answers(gpt);
    const [rewardModel] = this.workshop.models.rewardModels;
    return {
      answers,
      gold: meanByPrompt(answers.map((own) => own.map(({ gold }) => gold))),
      proxy: rewardModel ? mean(await this.scores(rewardModel, answers.flat())) : null,
      kl: mean(await this.#drift(gpt, answers.flat())),
    };
  }

  /** Of the reward model, one a reply. */
  async scores(model: RewardModel, answers: readonly Answer[]): Promise<number[]> {
    const replies = answers.map(({ response }) => response);
    return [...(await scoreReplies(model, this.#rows(answers), replies, this.workshop.tokenizer.specials.pad))];
  }

  async #drift(gpt: Gpt, answers: readonly Answer[]): Promise<number[]> {
    const { pad } = this.workshop.tokenizer.specials;
    const [rows, replies] = [this.#rows(answers), answers.map(({ response }) => response)];
    const drift: number[] = [];
    for (let first = 0; first < rows.length; first += ROWS_AT_ONCE) {
      const end = first + ROWS_AT_ONCE;
      drift.push(...(await driftOf(gpt, this.sft, rows.slice(first, end), replies.slice(first, end), pad, 1)));
    }
    return drift;
  }

  #rows(answers: readonly Answer[]): number[][] {
    return promptRows(
      answers.map(({ prompt }) => prompt),
      'policy',
      this.workshop.tokenizer,
      this.workshop.models.shape.context - MAX_RESPONSE_TOKENS,
    );
  }
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const golds = (answers: readonly (readonly Answer[])[]): number[][] =>
  answers.map((own) => own.map(({ gold }) => gold));

/** By gold, paired on the same prompts; ties count half. */
export const winsOver = (ours: readonly (readonly Answer[])[], theirs: readonly (readonly Answer[])[]): WinRate => {
  const [own, other] = [golds(ours), golds(theirs)];
  return winRate(own.map((scores, p) => pairedChoices(scores, other[p] as number[])));
};

/** Share of right replies, by kind of prompt. */
export function rightByKind(answers: readonly Answer[]): Record<string, number> {
  const kinds = [...new Set(answers.map(({ prompt }) => prompt.kind))].sort();
  return Object.fromEntries(
    kinds.map((kind) => {
      const own = answers.filter(({ prompt }) => prompt.kind === kind);
      return [kind, own.filter(({ parts }) => parts.right === 1).length / own.length];
    }),
  );
}
