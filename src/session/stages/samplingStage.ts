/**
 * A policy by a method that samples replies and needs no value model: RLOO, GRPO, Dr. GRPO, REINFORCE, REINFORCE++,
 * online DPO, rejection sampling. Everything around the method is as for PPO.
 */
import type { PolicyGradientSettings } from '../../config';
import { InputError } from '../../errors';
import { type MethodName, policyGradientDefaults, preferenceDefaults } from '../../methods';
import { AdaptiveKlController, FixedKlController } from '../../rlhf/adaptiveKlController';
import { DPO } from '../../rlhf/dpo';
import { PROBE_PROMPTS, withDrift } from '../../rlhf/driftProbe';
import { Ema } from '../../rlhf/ema';
import { DR_GRPO, GRPO } from '../../rlhf/grpo';
import { onlineDpo } from '../../rlhf/onlineDpo';
import { policyGradient, policyGradientOptimiser, type PolicyGradientState } from '../../rlhf/policyGradient';
import { preferenceOptimiser } from '../../rlhf/preferenceOptimisation';
import { REINFORCE } from '../../rlhf/reinforce';
import { REINFORCE_PLUS_PLUS } from '../../rlhf/reinforcePlusPlus';
import { rejectionSampling } from '../../rlhf/rejectionSampling';
import { RLOO } from '../../rlhf/rloo';
import { longestReply } from '../../rlhf/simulatedRankings';
import type { TrainingStep } from '../../rlhf/trainingStep';
import { assignVariables } from '../../model/checkpoint';
import { withoutPrefix } from '../../model/prefix';
import type { ReadonlyVariables, Variables } from '../../model/variables';
import type { HostWeights } from '../models';
import type { OwnReward } from '../protocol';
import type { SavedState, Stage } from '../stage';
import type { Workshop } from '../workshop';
import { POLICY, SLOW } from './policyCheckpoint';
import { PolicyTask } from './policyTask';
import { startPolicy, undoPolicy } from './startPolicy';

const GROUP_METHODS = [RLOO, GRPO, DR_GRPO, REINFORCE, REINFORCE_PLUS_PLUS];
const MEMORY = 'memory.';

export interface SamplingRequest {
  method: MethodName;
  settings: PolicyGradientSettings;
  ownPrompts: readonly string[];
  continuePolicy: boolean;
  ownReward: OwnReward | null;
}

export class SamplingStage implements Stage {
  readonly name = 'ppo';
  readonly checkpoint = 'policy';
  readonly saveEvery = 1;
  readonly steps: number;
  readonly #workshop: Workshop;
  readonly #request: SamplingRequest;
  readonly #settings: PolicyGradientSettings;
  readonly #seed: number;
  readonly #task: PolicyTask;
  readonly #policyBefore: HostWeights | null;
  #state: PolicyGradientState | null = null;

  /** @throws InputError where a method that compares replies is given one of each prompt */
  constructor(workshop: Workshop, request: SamplingRequest, seed: number) {
    const { method, settings, ownPrompts, ownReward } = request;
    const maxNewTokens = longestReply(workshop.models.shape.context, settings.maxNewTokens);
    this.#workshop = workshop;
    this.#request = request;
    this.#settings = { ...policyGradientDefaults(method), ...settings, maxNewTokens };
    const least = GROUP_METHODS.find(({ name }) => name === method)?.leastReplies ?? 2;
    if (this.#settings.replies < least)
      throw new InputError(
        `${method} compares replies to one prompt: expected ${least} or more of each, got ${this.#settings.replies}.`,
        'Raise "Replies of each" in its settings.',
      );
    this.#seed = seed;
    this.#task = new PolicyTask(workshop, {
      seed,
      prompts: this.#settings.prompts,
      maxNewTokens,
      ownPrompts,
      ownReward,
      aggregation: this.#settings.aggregation,
      ruleWeight: this.#settings.ruleWeight,
    });
    this.#policyBefore = workshop.models.weights('policy');
    this.steps = this.#settings.updates;
  }

  build(saved: SavedState | null): void {
    const { models } = this.#workshop;
    const { method } = this.#request;
    void this.#task.rewardModels; // says at once if there is none
    const { policy, refPolicy, attach } = startPolicy(models, saved, this.#request.continuePolicy);
    const byPreference = method === 'online DPO';
    const optimiser = byPreference ? preferenceOptimiser(policy) : policyGradientOptimiser(policy, this.#settings);
    const { adaptiveKl, klTarget, klHorizon, emaDecay } = this.#settings;
    const klCoef = saved?.numbers['klCoef'] ?? this.#settings.klCoef;
    // A leash of 0 is charged elsewhere, in the loss, and stays.
    const adaptive = adaptiveKl && this.#settings.klCoef > 0 && !byPreference;
    this.#state = {
      policy,
      refPolicy,
      optimiser,
      klController: adaptive ? new AdaptiveKlController(klCoef, klTarget, klHorizon) : new FixedKlController(klCoef),
      update: saved?.numbers['update'] ?? 0,
      memory: memoryIn(saved?.numbers ?? {}),
    };
    // Of the methods here, those that share `policyGradient` keep one.
    if (emaDecay > 0 && GROUP_METHODS.some(({ name }) => name === method)) {
      this.#state.ema = new Ema(policy, emaDecay);
      if (saved) assignVariables(this.#state.ema.gpt.parameters, { tensors: withoutPrefix(saved.weights, SLOW) });
    }
    if (saved) optimiser.restore(withoutPrefix(saved.weights, POLICY), saved.numbers['policyStep'] ?? 0);
    attach();
  }

  async *run(signal: AbortSignal): AsyncGenerator<TrainingStep> {
    const state = this.#required();
    for await (const step of this.#learn(signal)) {
      if (step.metrics) state.update = step.step;
      yield step;
    }
  }

  variables(): Variables {
    const { policy, optimiser, ema } = this.#required();
    const all: Variables = new Map();
    const add = (prefix: string, variables: ReadonlyVariables): void => {
      for (const [name, variable] of variables) all.set(prefix + name, variable);
    };
    add(POLICY, policy.parameters);
    add(POLICY, optimiser.moments());
    if (ema) add(SLOW, ema.gpt.parameters);
    return all;
  }

  numbers(): Record<string, number> {
    const { update, klController, optimiser, memory } = this.#required();
    const remembered = Object.fromEntries(Object.entries(memory).map(([name, value]) => [MEMORY + name, value]));
    return { update, klCoef: klController.klCoef, policyStep: optimiser.step, ...remembered };
  }

  setNumbers(numbers: Record<string, number>): void {
    const state = this.#required();
    const { klTarget, klHorizon } = this.#settings;
    const { update = 0, klCoef = 0, policyStep = 0 } = numbers;
    state.update = update;
    state.klController =
      state.klController instanceof AdaptiveKlController
        ? new AdaptiveKlController(klCoef, klTarget, klHorizon)
        : new FixedKlController(klCoef);
    state.optimiser.step = policyStep;
    state.memory = memoryIn(numbers);
  }

  finish(): Promise<void> {
    const { ema, policy } = this.#required();
    ema?.lead(policy);
    return this.#workshop.models.install('policy', policy);
  }

  undo(): void {
    undoPolicy(this.#workshop.models, this.#policyBefore);
  }

  release(): void {
    this.#state?.optimiser.dispose();
    this.#state?.ema?.dispose();
  }

  #learn(signal: AbortSignal): AsyncGenerator<TrainingStep> {
    const state = this.#required();
    const settings = this.#settings;
    const { tokens, promptsOf, judge, describe, scorer } = this.#task;
    const run = { tokens, seed: this.#seed, promptsOf, judge, scorer, signal };
    const { updates, prompts, replies, temperature, maxNewTokens, missingEosPenalty, learningRate, guardCoef } =
      settings;
    switch (this.#request.method) {
      case 'online DPO':
        return onlineDpo(state, {
          ...run,
          method: DPO,
          settings: { ...preferenceDefaults('DPO'), learningRate, beta: settings.klCoef, guardCoef },
          online: { updates, prompts, replies, temperature, maxNewTokens, missingEosPenalty },
          from: state.update,
        });
      case 'rejection sampling': {
        const rounds = rejectionSampling(state.policy, {
          ...run,
          settings: {
            rounds: updates,
            prompts,
            n: replies,
            sft: { examples: 0, epochs: settings.epochs, batchSize: settings.minibatchSize, learningRate },
            temperature,
            maxNewTokens,
          },
          from: state.update,
        });
        const asked = promptsOf(0).slice(0, PROBE_PROMPTS);
        const probe = { prompts: asked, tokens, temperature, maxNewTokens, seed: this.#seed, every: 1 };
        return withDrift(rounds, state, probe, signal);
      }
      default: {
        const method = GROUP_METHODS.find(({ name }) => name === this.#request.method);
        if (!method) throw new RangeError(`${this.#request.method} does not sample.`);
        return policyGradient(state, { ...run, method, settings, describe });
      }
    }
  }

  #required(): PolicyGradientState {
    if (!this.#state) throw new Error('The stage was not built.');
    return this.#state;
  }
}

/** What a method keeps of itself, out of the numbers of a checkpoint. */
const memoryIn = (numbers: Record<string, number>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(numbers).flatMap(([name, value]) =>
      name.startsWith(MEMORY) ? [[name.slice(MEMORY.length), value]] : [],
    ),
  );
