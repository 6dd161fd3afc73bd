/** The reward model: starts from the SFT model, learns from rankings, is normalised, and measured on held-out ones. */
import { DEFAULT_SETTINGS, MAX_RESPONSE_TOKENS, SPOILED_LABELS, type RewardModelSettings } from '../../config';
import { InputError } from '../../errors';
import type { Gpt } from '../../model/gpt';
import { withoutPrefix } from '../../model/prefix';
import { disposeRewardModel, rewardModelFrom, rewardParameters, type RewardModel } from '../../model/rewardHead';
import { type Judges, judgesByPrefix, judgesOf, RULE_PREFIX } from '../../model/judges';
import type { AdamW } from '../../ops/adamw';
import type { Calibration } from '../../rlhf/calibration';
import { pairWeights } from '../../rlhf/pairWeights';
import { rankingAccuracyTogether } from '../../rlhf/rewardEnsemble';
import {
  normaliseHead,
  rankingAccuracy,
  rewardModelOptimiser,
  rewardModelSteps,
  scoreReplies,
  tieRule,
  trainRewardModel,
  withPairs,
  type TokenisedRanking,
} from '../../rlhf/rewardModel';
import { sampleResponses } from '../../rlhf/rollout';
import { canLearnRule, flagged, type FlaggedReplies, ruleAccuracy, trainRuleModel } from '../../rlhf/ruleModel';
import { promptTokens, tokeniseRanking } from '../../rlhf/simulatedRankings';
import { spoilLabels } from '../../rlhf/spoiledLabels';
import type { TrainingStep } from '../../rlhf/trainingStep';
import { samplePrompts } from '../../text/world/prompts';
import type { MetricValues, Ranking, RewardModelReport } from '../protocol';
import type { Variables } from '../../model/variables';
import type { SavedState, Stage } from '../stage';
import type { Workshop } from '../workshop';

/** Replies of the reference policy that set the scale, as in lm-human-preferences. */
const NORMALISATION_SAMPLES = 256;
const SAMPLES_AT_ONCE = 64;
/** With fewer rankings than this, every one is needed for training. */
const FEWEST_TO_HOLD_OUT = 10;
/** One ranking in this many is held out when the caller holds out none. */
const HOLD_OUT_ONE_IN = 10;

/** Seeds of the members are this far apart. */
const MEMBER_SEEDS = 1000;

/** A rule model begins at this seed from the reward model's. */
const RULE_SEED = 500;

/** One of the models that are trained. */
interface Learner {
  /** Before its names in the checkpoint. */
  prefix: string;
  model: RewardModel;
  optimiser: AdamW;
  seed: number;
}

export class RewardModelStage implements Stage {
  readonly name = 'rewardModel';
  readonly checkpoint = 'rewardModel';
  readonly saveEvery = 25;
  readonly steps: number;
  report: RewardModelReport | null = null;
  readonly #workshop: Workshop;
  readonly #settings: RewardModelSettings;
  readonly #seed: number;
  readonly #rankings: TokenisedRanking[];
  readonly #heldOut: TokenisedRanking[];
  /** What a rule model learns from; null where none is asked for. */
  readonly #flagged: FlaggedReplies[] | null;
  readonly #started = performance.now();
  /** Before normalising, which changes the scale. */
  #calibration: Calibration | null = null;
  #judges: Judges = { members: [], rule: null };
  /** They take their steps side by side. */
  #learners: readonly Learner[] = [];

  /** @throws InputError without a single pair to learn from, or for a rule model without flags */
  constructor(
    workshop: Workshop,
    settings: RewardModelSettings,
    rankings: readonly Ranking[],
    heldOut: readonly Ranking[],
    seed: number,
  ) {
    this.#workshop = workshop;
    // A run that an earlier version began knows nothing of later settings.
    this.#settings = { ...DEFAULT_SETTINGS.rewardModel, ...settings };
    this.#seed = seed;
    const { mostRankings, spoiled, spoiledShare } = this.#settings;
    const ties = tieRule(this.#settings);
    const tokenise = (list: readonly Ranking[]): TokenisedRanking[] =>
      list.map((ranking) => tokeniseRanking(workshop.tokenizer, ranking, workshop.models.shape.context));
    const usable = withPairs(rankings, ties);
    const split = heldOut.length === 0 && usable.length >= FEWEST_TO_HOLD_OUT;
    const train = split ? usable.filter((_, i) => i % HOLD_OUT_ONE_IN !== 0) : usable;
    const spoilt = spoilLabels(train, SPOILED_LABELS[spoiled] ?? 'none', spoiledShare, seed);
    this.#rankings = tokenise(withPairs(spoilt, ties).slice(0, mostRankings || Infinity));
    this.#heldOut = tokenise(withPairs(split ? usable.filter((_, i) => i % HOLD_OUT_ONE_IN === 0) : heldOut));
    if (this.#rankings.length === 0) {
      throw new InputError(
        `Expected rankings in which one reply is better than another, got ${rankings.length} without such a pair.`,
        'Rank a few prompts, then train again.',
      );
    }
    this.#flagged = this.#settings.ruleModel ? flagged(this.#rankings) : null;
    if (this.#flagged && !canLearnRule(this.#flagged)) {
      throw new InputError(
        `Expected replies that break the rule and others that keep it, got ${this.#flagged.length} rankings that were looked through and not both.`,
        'Flag some replies (X) or let the labeler rank, or switch the rule model off.',
      );
    }
    this.steps = rewardModelSteps(this.#rankings.length, this.#settings);
  }

  build(saved: SavedState | null): void {
    const { models } = this.#workshop;
    const fresh = (seed: number): RewardModel => rewardModelFrom(this.#reference(), seed);
    this.#judges = saved
      ? judgesOf(models.shape, saved.weights)
      : {
          members: Array.from({ length: this.#settings.members }, (_, i) => fresh(this.#seed + MEMBER_SEEDS * i)),
          rule: this.#flagged && fresh(this.#seed + RULE_SEED),
        };
    this.#learners = judgesByPrefix(this.#judges).map(([prefix, model], i) => {
      const optimiser = rewardModelOptimiser(model);
      if (saved) optimiser.restore(withoutPrefix(saved.weights, prefix), saved.numbers['step'] ?? 0);
      // Reward models differ by their heads at the start and the order of the rankings.
      const seed = this.#seed + (prefix === RULE_PREFIX ? RULE_SEED : MEMBER_SEEDS * i);
      return { prefix, model, optimiser, seed };
    });
  }

  /** The last step says as well how the model orders rankings that were held out. */
  async *run(): AsyncGenerator<TrainingStep> {
    const { pad } = this.#workshop.tokenizer.specials;
    const runs = this.#learners.map((learner) => this.#learn(learner, pad));
    try {
      for (;;) {
        const steps: TrainingStep[] = [];
        for (const run of runs) {
          const next = await run.next();
          if (!next.done) steps.push(next.value);
        }
        const [first] = steps;
        if (!first) return;
        const metrics = meanMetrics(steps.map((step) => step.metrics ?? {}));
        if (first.step === this.steps) {
          const heldOut = await rankingAccuracyTogether(this.#judges.members, this.#heldOut, pad);
          this.#calibration = heldOut.calibration;
          if (heldOut.accuracy !== null) metrics['eval_accuracy'] = heldOut.accuracy;
        }
        yield { ...first, metrics };
      }
    } finally {
      for (const run of runs) await run.return(undefined);
    }
  }

  variables(): Variables {
    return new Map(
      this.#learners.flatMap(({ prefix, model, optimiser }) =>
        [...rewardParameters(model), ...optimiser.moments()].map(
          ([name, variable]) => [prefix + name, variable] as const,
        ),
      ),
    );
  }

  numbers(): Record<string, number> {
    return { step: this.#learners[0]?.optimiser.step ?? 0 };
  }

  setNumbers({ step = 0 }: Record<string, number>): void {
    for (const { optimiser } of this.#learners) optimiser.step = step;
  }

  async finish(): Promise<void> {
    const { pad } = this.#workshop.tokenizer.specials;
    const { members, rule } = this.#judges;
    if (this.#settings.normalise) for (const model of members) normaliseHead(model, await this.#referenceScores(model));
    await this.#workshop.models.installRewardModels(members, rule);
    const heldOut = await rankingAccuracyTogether(members, this.#heldOut, pad);
    const each: (number | null)[] = [];
    if (members.length > 1)
      for (const model of members) each.push((await rankingAccuracy(model, this.#heldOut, pad)).accuracy);
    this.report = {
      rankings: this.#rankings.length,
      pairs: this.#rankings.reduce((sum, { ranks }) => sum + pairsOf(ranks), 0),
      heldOutAccuracy: heldOut.accuracy,
      heldOutPairs: heldOut.pairs,
      kendallTau: heldOut.kendallTau,
      calibration: this.#calibration,
      ...(each.length > 0 && { membersAccuracy: each }),
      ...(rule && { rule: await ruleAccuracy(rule, flagged(this.#heldOut), pad) }),
      seconds: (performance.now() - this.#started) / 1000,
    };
  }

  release(): void {
    const { rewardModels, ruleModel } = this.#workshop.models;
    for (const { model, optimiser } of this.#learners) {
      optimiser.dispose();
      if (!rewardModels.includes(model) && ruleModel !== model) disposeRewardModel(model);
    }
  }

  #learn({ prefix, model, optimiser, seed }: Learner, pad: number): AsyncGenerator<TrainingStep> {
    return prefix === RULE_PREFIX
      ? trainRuleModel(model, optimiser, this.#flagged ?? [], this.#settings, this.steps, pad, seed)
      : trainRewardModel(model, optimiser, this.#rankings, this.#settings, pad, seed);
  }

  #reference(): Gpt {
    const sft = this.#workshop.models.gpt('sft');
    if (!sft) throw new InputError('Expected an SFT model to start from, got none.', 'Fine-tune the base model first.');
    return sft;
  }

  /** Raw scores of the reference policy's own replies. */
  async #referenceScores(model: RewardModel): Promise<number[]> {
    const { tokenizer, world } = this.#workshop;
    const reference = this.#reference();
    const tokens = { stop: tokenizer.specials.end, pad: tokenizer.specials.pad };
    const maxTokens = reference.shape.context - MAX_RESPONSE_TOKENS;
    const prompts = samplePrompts(world, 'train', NORMALISATION_SAMPLES, this.#seed).map(({ messages }) =>
      promptTokens(tokenizer, messages, 'sft', maxTokens),
    );
    const scores: number[] = [];
    for (let first = 0; first < prompts.length; first += SAMPLES_AT_ONCE) {
      const chosen = prompts.slice(first, first + SAMPLES_AT_ONCE);
      const sampling = { temperature: 1, maxNewTokens: MAX_RESPONSE_TOKENS, seed: (this.#seed + first) >>> 0 };
      const { responses } = await sampleResponses(reference, chosen, tokens, sampling);
      scores.push(...(await scoreReplies(model, chosen, responses, tokens.pad)));
    }
    return scores;
  }
}

/** Pairs that are not a tie. */
const pairsOf = (ranks: readonly number[]): number =>
  pairWeights(ranks).reduce((sum, weight) => sum + (weight > 0 ? 1 : 0), 0);

/** What the models report: of each number the mean over those that have it. */
function meanMetrics(all: readonly MetricValues[]): MetricValues {
  const keys = new Set(all.flatMap((metrics) => Object.keys(metrics)));
  return Object.fromEntries(
    [...keys].map((key) => {
      const own = all.flatMap((metrics) => metrics[key] ?? []);
      return [key, own.reduce((sum, value) => sum + value, 0) / own.length];
    }),
  );
}
