/** PPO: the policy learns what the reward model likes, on a leash to the SFT model. The chat talks to it as it learns. */
import { DEFAULT_SETTINGS, type PpoSettings } from '../../config';
import { InputError } from '../../errors';
import { assignVariables, gptFrom, scalarModelOf } from '../../model/checkpoint';
import { cloneGpt, type Gpt } from '../../model/gpt';
import type { RewardModel } from '../../model/rewardHead';
import type { StoredTensor } from '../../model/safetensors';
import {
  blankHead,
  cloneScalarModel,
  disposeHead,
  disposeScalarModel,
  headParameters,
  scalarParameters,
  type ScalarModel,
} from '../../model/scalarHead';
import { AdaptiveKlController, FixedKlController } from '../../rlhf/adaptiveKlController';
import { Ema } from '../../rlhf/ema';
import { ppo, ppoOptimisers, type PpoRun, type PpoState } from '../../rlhf/ppo';
import { isShared } from '../../rlhf/ppoSteps';
import { type TokenWindows, worldWindows } from '../../rlhf/pretraining';
import type { Scorer } from '../../rlhf/scorer';
import { longestReply, promptTokens } from '../../rlhf/simulatedRankings';
import type { TrainingStep } from '../../rlhf/trainingStep';
import { decodePrompt, decodeReply } from '../../text/chatTemplate';
import { goldScore } from '../../text/world/gold';
import { samplePrompts } from '../../text/world/prompts';
import type { ReadonlyVariables, Variables } from '../../model/variables';
import type { Message, MetricValues, OwnReward } from '../protocol';
import type { HostWeights } from '../models';
import type { SavedState, Stage } from '../stage';
import type { Workshop } from '../workshop';

const POLICY = 'policy.';
const VALUE = 'value.';
const SLOW = 'slow.';

/** Pretraining text of a minibatch, where there is any: some times the tokens of its replies. */
const PRETRAINING_WINDOWS = 16;
const PRETRAINING_TOKENS = 96;

/** One in this many prompts of an update is the person's own, where there are any. */
const OWN_PROMPT_ONE_IN = 4;

/** The language model inside a policy checkpoint. */
export const policyWeightsOf = (weights: ReadonlyMap<string, StoredTensor>): Map<string, StoredTensor> =>
  withoutPrefix(weights, POLICY);

/** The other way: a checkpoint of the language model alone, from which no run can go on. */
export const asPolicyCheckpoint = (weights: HostWeights): Map<string, StoredTensor> =>
  new Map([...weights].map(([name, tensor]) => [POLICY + name, tensor]));

export class PpoStage implements Stage {
  readonly name = 'ppo';
  readonly checkpoint = 'policy';
  readonly saveEvery = 1;
  readonly steps: number;
  readonly metadata: Record<string, string>;
  readonly #workshop: Workshop;
  readonly #settings: PpoSettings;
  readonly #seed: number;
  readonly #ownPrompts: readonly string[];
  readonly #continuePolicy: boolean;
  readonly #ownReward: OwnReward | null;
  /** The policy that there was when the run was asked for: training takes its place from the beginning. */
  readonly #policyBefore: HostWeights | null;
  #state: PpoState | null = null;

  constructor(
    workshop: Workshop,
    settings: PpoSettings,
    ownPrompts: readonly string[],
    continuePolicy: boolean,
    seed: number,
    ownReward: OwnReward | null = null,
  ) {
    this.#ownReward = ownReward;
    this.#workshop = workshop;
    const maxNewTokens = longestReply(workshop.models.shape.context, settings.maxNewTokens);
    // A run that an earlier version began knows nothing of later settings.
    this.#settings = { ...DEFAULT_SETTINGS.ppo, ...settings, maxNewTokens };
    this.#ownPrompts = ownPrompts;
    this.#continuePolicy = continuePolicy;
    this.#policyBefore = workshop.models.weights('policy');
    this.#seed = seed;
    this.steps = settings.updates;
    this.metadata = {
      stage: this.name,
      settings: JSON.stringify(settings),
      seed: String(seed),
      ownPrompts: JSON.stringify(ownPrompts),
      ownReward: JSON.stringify(ownReward),
    };
  }

  build(saved: SavedState | null): void {
    const { models } = this.#workshop;
    const refPolicy = models.gpt('sft');
    // A function that counts alone needs no reward model beside it.
    const alone = this.#ownReward?.modelWeight === 0;
    const rewardModel = alone ? null : models.rewardModel;
    if (!refPolicy)
      throw new InputError('Expected an SFT model to start from, got none.', 'Fine-tune the base model first.');
    if (!rewardModel && !alone)
      throw new InputError('Expected a reward model, got none.', 'Rank some replies and train one first.');
    const start = (this.#continuePolicy ? models.gpt('policy') : null) ?? refPolicy;
    const policy = saved ? gptFrom(models.shape, policyWeightsOf(saved.weights)) : cloneGpt(start);
    const valueModel = this.#valueModel(policy, refPolicy, rewardModel, saved);
    const { policyOptimiser, valueOptimiser } = ppoOptimisers(policy, valueModel, this.#settings);
    const { klCoef, adaptiveKl, klTarget, klHorizon, emaDecay } = this.#settings;
    const beta = saved?.numbers['klCoef'] ?? klCoef;
    this.#state = {
      models: { policy, refPolicy, rewardModel, valueModel },
      policyOptimiser,
      valueOptimiser,
      klController: adaptiveKl ? new AdaptiveKlController(beta, klTarget, klHorizon) : new FixedKlController(beta),
      update: saved?.numbers['update'] ?? 0,
    };
    if (emaDecay > 0) {
      this.#state.ema = new Ema(policy, emaDecay);
      if (saved) assignVariables(this.#state.ema.gpt.parameters, { tensors: withoutPrefix(saved.weights, SLOW) });
    }
    if (saved) {
      policyOptimiser.restore(withoutPrefix(saved.weights, POLICY), saved.numbers['policyStep'] ?? 0);
      valueOptimiser?.restore(withoutPrefix(saved.weights, VALUE), saved.numbers['valueStep'] ?? 0);
    }
    // Until the first update its weights are those of the model that it starts from.
    const weights = saved ? policyWeightsOf(saved.weights) : models.weights(start === refPolicy ? 'sft' : 'policy');
    models.attach('policy', policy, weights as NonNullable<typeof weights>);
  }

  run(signal: AbortSignal): AsyncGenerator<TrainingStep> {
    const { tokenizer } = this.#workshop;
    return ppo(this.#required(), {
      settings: this.#settings,
      tokens: { stop: tokenizer.specials.end, pad: tokenizer.specials.pad },
      seed: this.#seed,
      promptsOf: (update) => this.#promptsOf(update),
      nextWindows: this.#pretrainingText(),
      ...this.#scoring(),
      judge: (update, responses, finished) => this.#gold(update, responses, finished),
      describe: (prompt, response) => ({
        prompt: decodePrompt(tokenizer, prompt),
        reply: decodeReply(tokenizer, response),
      }),
      signal,
    });
  }

  variables(): Variables {
    const { models, policyOptimiser, valueOptimiser, ema } = this.#required();
    const { policy, valueModel } = models;
    const all: Variables = new Map();
    const add = (prefix: string, variables: ReadonlyVariables): void => {
      for (const [name, variable] of variables) all.set(prefix + name, variable);
    };
    add(POLICY, policy.parameters);
    add(POLICY, policyOptimiser.moments());
    add(VALUE, isShared(policy, valueModel) ? headParameters(valueModel) : scalarParameters(valueModel));
    if (valueOptimiser) add(VALUE, valueOptimiser.moments());
    if (ema) add(SLOW, ema.gpt.parameters);
    return all;
  }

  numbers(): Record<string, number> {
    const { update, klController, policyOptimiser, valueOptimiser } = this.#required();
    return {
      update,
      klCoef: klController.klCoef,
      policyStep: policyOptimiser.step,
      valueStep: valueOptimiser?.step ?? 0,
    };
  }

  setNumbers({ update = 0, klCoef = 0, policyStep = 0, valueStep = 0 }: Record<string, number>): void {
    const state = this.#required();
    const { adaptiveKl, klTarget, klHorizon } = this.#settings;
    state.update = update;
    state.klController = adaptiveKl
      ? new AdaptiveKlController(klCoef, klTarget, klHorizon)
      : new FixedKlController(klCoef);
    state.policyOptimiser.step = policyStep;
    if (state.valueOptimiser) state.valueOptimiser.step = valueStep;
  }

  async finish(): Promise<void> {
    const { ema, models } = this.#required();
    ema?.lead(models.policy);
    await this.#workshop.models.install('policy', models.policy);
  }

  undo(): void {
    const { models } = this.#workshop;
    if (this.#policyBefore) models.load('policy', this.#policyBefore, 'trained');
    else models.drop('policy');
  }

  release(): void {
    if (!this.#state) return;
    this.#state.policyOptimiser.dispose();
    this.#state.ema?.dispose();
    this.#state.valueOptimiser?.dispose();
    const { policy, valueModel } = this.#state.models;
    if (isShared(policy, valueModel)) disposeHead(valueModel);
    else disposeScalarModel(valueModel);
  }

  /** As the settings say, or as a checkpoint has it. */
  #valueModel(policy: Gpt, refPolicy: Gpt, rewardModel: RewardModel | null, saved: SavedState | null): ScalarModel {
    const { sharedValue, valueFromReward } = this.#settings;
    const stored = saved && withoutPrefix(saved.weights, VALUE);
    if (sharedValue) {
      const model = blankHead(policy);
      if (stored) assignVariables(headParameters(model), { tensors: stored });
      return model;
    }
    if (stored) return scalarModelOf(this.#workshop.models.shape, stored);
    return valueFromReward && rewardModel ? cloneScalarModel(rewardModel) : blankHead(cloneGpt(refPolicy));
  }

  /** What the person's own function adds to the reward model's scores. */
  #scoring(): Pick<PpoRun, 'scorer' | 'modelWeight'> {
    const { askReward, tokenizer } = this.#workshop;
    const own = this.#ownReward;
    if (!own) return {};
    if (!askReward)
      throw new InputError('A reward function needs a page to run in, got none.', 'Give a scorer instead.');
    const scorer: Scorer = async ({ prompts, responses }) => {
      const items = prompts.map((prompt, b) => ({
        prompt: decodePrompt(tokenizer, prompt),
        reply: decodeReply(tokenizer, responses[b] as number[]),
      }));
      return Float32Array.from(await askReward(own.code, items), (reward) => own.weight * reward);
    };
    return { scorer, modelWeight: own.modelWeight };
  }

  /** The text of pretraining in windows, from where the run stands. */
  #pretrainingText(): () => { windows: Int32Array; length: number } {
    const { world, tokenizer } = this.#workshop;
    const length = PRETRAINING_TOKENS + 1;
    let text: TokenWindows | null = null;
    const { policyOptimiser } = this.#required();
    return () => {
      if (!text) {
        text = worldWindows(world, tokenizer, this.#seed, length);
        for (let step = 0; step < policyOptimiser.step; step++) text.next(PRETRAINING_WINDOWS);
      }
      return { windows: text.next(PRETRAINING_WINDOWS), length };
    };
  }

  #required(): PpoState {
    if (!this.#state) throw new Error('The PPO stage was not built.');
    return this.#state;
  }

  /** Prompts of the world's training side, mixed with the person's own. */
  #promptsOf(update: number): number[][] {
    const { tokenizer, world, models } = this.#workshop;
    const { batchSize, maxNewTokens } = this.#settings;
    const maxTokens = models.shape.context - maxNewTokens;
    return samplePrompts(world, 'train', batchSize, this.#seed + update).map(({ messages }, i) => {
      const own = this.#ownPrompts[(update * batchSize + i) % this.#ownPrompts.length];
      const talk: readonly Message[] = this.#isOwn(i) ? [{ role: 'user', text: own as string }] : messages;
      return promptTokens(tokenizer, talk, 'policy', maxTokens);
    });
  }

  /** Whether the prompt at a place of an update is one of the person's. */
  #isOwn = (i: number): boolean => this.#ownPrompts.length > 0 && i % OWN_PROMPT_ONE_IN === 0;

  /** Means of gold score, and of being right, over an update's replies to prompts of the world. */
  #gold(update: number, responses: readonly number[][], finished: readonly boolean[]): MetricValues {
    const { tokenizer, world } = this.#workshop;
    const prompts = samplePrompts(world, 'train', this.#settings.batchSize, this.#seed + update);
    const judged = prompts.flatMap((prompt, i) => {
      if (this.#isOwn(i)) return [];
      return [goldScore(world, prompt, decodeReply(tokenizer, responses[i] as number[]), finished[i] as boolean)];
    });
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      'val/gold': mean(judged.map(({ score }) => score)),
      'val/gold_right': mean(judged.map(({ parts }) => parts.right)),
    };
  }
}

function withoutPrefix(weights: ReadonlyMap<string, StoredTensor>, prefix: string): Map<string, StoredTensor> {
  return new Map(
    [...weights]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
}
