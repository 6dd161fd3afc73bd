/**
 * What a policy is trained on, by whichever method: prompts of the town and of the person, what replies are paid, and
 * what the town's own truth says of them, which nothing learns from.
 */
import { AGGREGATIONS } from '../../config';
import { InputError } from '../../errors';
import type { RewardModel } from '../../model/rewardHead';
import { ensembleScorer } from '../../rlhf/rewardEnsemble';
import type { ControlTokens } from '../../rlhf/rollout';
import { ruleScorer } from '../../rlhf/ruleModel';
import { rewardModelScorer, type Scorer, weightedScorer } from '../../rlhf/scorer';
import { promptTokens } from '../../rlhf/simulatedRankings';
import { decodePrompt, decodeReply } from '../../text/chatTemplate';
import { goldScore } from '../../text/world/gold';
import { samplePrompts, type WorldPrompt } from '../../text/world/prompts';
import type { Message, MetricValues, OwnReward } from '../protocol';
import type { Workshop } from '../workshop';

/** One in this many prompts of an update is the person's own, where there are any. */
const OWN_PROMPT_ONE_IN = 4;

export interface TaskRequest {
  seed: number;
  /** Prompts of an update. */
  prompts: number;
  maxNewTokens: number;
  ownPrompts: readonly string[];
  ownReward: OwnReward | null;
  /** What several reward models pay together: a place in `AGGREGATIONS`. */
  aggregation: number;
  /** What a nat of likely breach takes off, where there is a rule model. */
  ruleWeight: number;
}

export class PolicyTask {
  readonly #workshop: Workshop;
  readonly #request: TaskRequest;
  #drawn: { update: number; prompts: readonly WorldPrompt[] } | null = null;

  constructor(workshop: Workshop, request: TaskRequest) {
    this.#workshop = workshop;
    this.#request = request;
  }

  get tokens(): ControlTokens {
    const { end, pad } = this.#workshop.tokenizer.specials;
    return { stop: end, pad };
  }

  /** @throws InputError where there is none, unless a function of the person's own counts alone */
  get rewardModels(): readonly RewardModel[] {
    if (this.modelWeight === 0) return [];
    const { rewardModels } = this.#workshop.models;
    if (rewardModels.length === 0)
      throw new InputError('Expected a reward model, got none.', 'Rank some replies and train one first.');
    return rewardModels;
  }

  /** What the reward model counts for. */
  get modelWeight(): number {
    return this.#request.ownReward?.modelWeight ?? 1;
  }

  /** Prompts of the world's training side, mixed with the person's own. */
  promptsOf = (update: number): number[][] => {
    const { tokenizer, models } = this.#workshop;
    const { prompts, maxNewTokens, ownPrompts } = this.#request;
    const maxTokens = models.shape.context - maxNewTokens;
    return this.#worldPrompts(update).map(({ messages }, i) => {
      const own = ownPrompts[(update * prompts + i) % ownPrompts.length];
      const talk: readonly Message[] = this.#isOwn(i) ? [{ role: 'user', text: own as string }] : messages;
      return promptTokens(tokenizer, talk, 'policy', maxTokens);
    });
  };

  describe = (prompt: readonly number[], response: readonly number[]): { prompt: string; reply: string } => ({
    prompt: decodePrompt(this.#workshop.tokenizer, [...prompt]),
    reply: decodeReply(this.#workshop.tokenizer, [...response]),
  });

  /**
   * Means of gold score, and of being right, over an update's replies to prompts of the world.
   * @param responses as many to each prompt, side by side
   */
  judge = (update: number, responses: readonly number[][], finished: readonly boolean[]): MetricValues => {
    const { tokenizer, world } = this.#workshop;
    const { prompts } = this.#request;
    const each = responses.length / prompts;
    const judged = this.#worldPrompts(update).flatMap((prompt, i) => {
      if (this.#isOwn(i)) return [];
      return Array.from({ length: each }, (_, k) => {
        const row = i * each + k;
        const text = decodeReply(tokenizer, responses[row] as number[]);
        return goldScore(world, prompt, text, finished[row] as boolean);
      });
    });
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      'val/gold': mean(judged.map(({ score }) => score)),
      'val/gold_right': mean(judged.map(({ parts }) => parts.right)),
    };
  };

  /** The person's own function, if it pays; weighted. */
  get #ownScorer(): Scorer | null {
    const { askReward } = this.#workshop;
    const { ownReward: own } = this.#request;
    if (!own) return null;
    if (!askReward)
      throw new InputError('A reward function needs a page to run in, got none.', 'Give a scorer instead.');
    return async ({ prompts, responses }) => {
      const items = prompts.map((prompt, b) => this.describe(prompt, responses[b] as number[]));
      return Float32Array.from(await askReward(own.code, items), (reward) => own.weight * reward);
    };
  }

  /** All that pays: the reward model, by its weight, the rule model, and the person's own function. */
  get scorer(): Scorer {
    return this.scorerBeside(null) ?? weightedScorer([]);
  }

  /**
   * What pays beside a reward model that is paid elsewhere; null where nothing does.
   * @param scale what the reward models' scores are multiplied by
   */
  scorerBeside(elsewhere: RewardModel | null, scale = 1): Scorer | null {
    const members = this.rewardModels.filter((member) => member !== elsewhere);
    const ownScorer = this.#ownScorer;
    const { ruleModel } = this.#workshop.models;
    const parts = [
      ...(members.length > 0
        ? [
            {
              weight: scale * this.modelWeight,
              scorer: ensembleScorer(members.map(rewardModelScorer), AGGREGATIONS[this.#request.aggregation] ?? 'mean'),
            },
          ]
        : []),
      ...(ruleModel && this.#request.ruleWeight > 0
        ? [{ weight: this.#request.ruleWeight, scorer: ruleScorer(rewardModelScorer(ruleModel)) }]
        : []),
      ...(ownScorer ? [{ weight: 1, scorer: ownScorer }] : []),
    ];
    return parts.length > 0 ? weightedScorer(parts) : null;
  }

  /** Those of the world, drawn once an update: they are asked, and their replies are judged. */
  #worldPrompts(update: number): readonly WorldPrompt[] {
    const { prompts, seed } = this.#request;
    if (this.#drawn?.update !== update)
      this.#drawn = { update, prompts: samplePrompts(this.#workshop.world, 'train', prompts, seed + update) };
    return this.#drawn.prompts;
  }

  /** Whether the prompt at a place of an update is one of the person's. */
  #isOwn = (i: number): boolean => this.#request.ownPrompts.length > 0 && i % OWN_PROMPT_ONE_IN === 0;
}
