/** PPO: the policy learns what the reward model likes, on a leash to the SFT model. The chat talks to it as it learns. */
import { DEFAULT_SETTINGS, type PpoSettings } from '../../config';
import { assignVariables, scalarModelOf } from '../../model/checkpoint';
import { cloneGpt, type Gpt } from '../../model/gpt';
import { withoutPrefix } from '../../model/prefix';
import type { RewardModel } from '../../model/rewardHead';
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
import { ppo, ppoOptimisers, type PpoState } from '../../rlhf/ppo';
import { isShared } from '../../rlhf/ppoSteps';
import { type TokenWindows, worldWindows } from '../../rlhf/pretraining';
import { longestReply } from '../../rlhf/simulatedRankings';
import type { TrainingStep } from '../../rlhf/trainingStep';
import type { ReadonlyVariables, Variables } from '../../model/variables';
import type { OwnReward } from '../protocol';
import type { HostWeights } from '../models';
import type { SavedState, Stage } from '../stage';
import type { Workshop } from '../workshop';
import { POLICY, SLOW, VALUE } from './policyCheckpoint';
import { PolicyTask } from './policyTask';
import { startPolicy, undoPolicy } from './startPolicy';

/** Pretraining text of a minibatch, where there is any: some times the tokens of its replies. */
const PRETRAINING_WINDOWS = 16;
const PRETRAINING_TOKENS = 96;

export class PpoStage implements Stage {
  readonly name = 'ppo';
  readonly checkpoint = 'policy';
  readonly saveEvery = 1;
  readonly steps: number;
  readonly #workshop: Workshop;
  readonly #settings: PpoSettings;
  readonly #seed: number;
  readonly #task: PolicyTask;
  readonly #continuePolicy: boolean;
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
    this.#workshop = workshop;
    const maxNewTokens = longestReply(workshop.models.shape.context, settings.maxNewTokens);
    // A run that an earlier version began knows nothing of later settings.
    this.#settings = { ...DEFAULT_SETTINGS.ppo, ...settings, maxNewTokens };
    const { batchSize: prompts, aggregation, ruleWeight } = this.#settings;
    this.#task = new PolicyTask(workshop, {
      seed,
      prompts,
      maxNewTokens,
      ownPrompts,
      ownReward,
      aggregation,
      ruleWeight,
    });
    this.#continuePolicy = continuePolicy;
    this.#policyBefore = workshop.models.weights('policy');
    this.#seed = seed;
    this.steps = settings.updates;
  }

  build(saved: SavedState | null): void {
    const { models } = this.#workshop;
    const { rewardModels } = this.#task;
    const { policy, refPolicy, attach } = startPolicy(models, saved, this.#continuePolicy);
    const valueModel = this.#valueModel(policy, refPolicy, rewardModels[0], saved);
    const { policyOptimiser, valueOptimiser } = ppoOptimisers(policy, valueModel, this.#settings);
    const { klCoef, adaptiveKl, klTarget, klHorizon, emaDecay } = this.#settings;
    const beta = saved?.numbers['klCoef'] ?? klCoef;
    this.#state = {
      // One scores in the recorded step itself; several score before it.
      models: {
        policy,
        refPolicy,
        rewardModel: rewardModels.length === 1 ? (rewardModels[0] ?? null) : null,
        valueModel,
      },
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
    attach();
  }

  run(signal: AbortSignal): AsyncGenerator<TrainingStep> {
    const { tokens, promptsOf, judge, describe } = this.#task;
    const scorer = this.#task.scorerBeside(this.#required().models.rewardModel, this.#settings.scoreScale);
    return ppo(this.#required(), {
      settings: this.#settings,
      tokens,
      seed: this.#seed,
      promptsOf,
      nextWindows: this.#pretrainingText(),
      ...(scorer && { scorer }),
      modelWeight: this.#task.modelWeight,
      judge,
      describe,
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
    undoPolicy(this.#workshop.models, this.#policyBefore);
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
  #valueModel(
    policy: Gpt,
    refPolicy: Gpt,
    rewardModel: RewardModel | undefined,
    saved: SavedState | null,
  ): ScalarModel {
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
}
