/** A policy from rankings with no reward model in between: DPO and its relatives, and KTO from thumbs. */
import { MAX_RESPONSE_TOKENS, type PreferenceSettings } from '../../config';
import { InputError } from '../../errors';
import { type MethodName, preferenceDefaults } from '../../methods';
import { CONSERVATIVE_DPO, DPO, ROBUST_DPO } from '../../rlhf/dpo';
import { type DriftProbe, PROBE_PROMPTS, withDrift } from '../../rlhf/driftProbe';
import { IPO, IPO_MEAN } from '../../rlhf/ipo';
import { expectBothKinds, kto, ktoSettings, ktoSteps, thumbsOf, withThumbs } from '../../rlhf/kto';
import { ORPO } from '../../rlhf/orpo';
import {
  optimisePreferences,
  preferenceOptimiser,
  type PreferenceState,
  preferenceSteps,
} from '../../rlhf/preferenceOptimisation';
import { type TokenisedRanking, withPairs } from '../../rlhf/rewardModel';
import { SIMPO } from '../../rlhf/simpo';
import { longestReply, promptTokens, tokeniseRanking } from '../../rlhf/simulatedRankings';
import type { TrainingStep } from '../../rlhf/trainingStep';
import { withoutPrefix } from '../../model/prefix';
import type { Variables } from '../../model/variables';
import type { HostWeights } from '../models';
import type { Ranking } from '../protocol';
import type { SavedState, Stage } from '../stage';
import type { Workshop } from '../workshop';
import { POLICY } from './policyCheckpoint';
import { startPolicy, undoPolicy } from './startPolicy';

/** Steps between two looks at how far the policy has gone. */
const PROBE_EVERY = 10;

const PREFERENCE_METHODS = [DPO, CONSERVATIVE_DPO, ROBUST_DPO, IPO, IPO_MEAN, SIMPO, ORPO];

export interface PreferenceRequest {
  method: MethodName;
  settings: PreferenceSettings;
  rankings: readonly Ranking[];
  continuePolicy: boolean;
}

export class PreferenceStage implements Stage {
  readonly name = 'ppo';
  readonly checkpoint = 'policy';
  readonly saveEvery = 25;
  readonly steps: number;
  readonly #workshop: Workshop;
  readonly #method: MethodName;
  readonly #settings: PreferenceSettings;
  readonly #rankings: TokenisedRanking[];
  readonly #probe: DriftProbe;
  readonly #continuePolicy: boolean;
  readonly #seed: number;
  readonly #policyBefore: HostWeights | null;
  #state: PreferenceState | null = null;

  /** @throws InputError without a single pair to learn from, or, for KTO, without a thumb of each kind */
  constructor(workshop: Workshop, { method, settings, rankings, continuePolicy }: PreferenceRequest, seed: number) {
    const { tokenizer, models } = workshop;
    this.#workshop = workshop;
    this.#method = method;
    this.#settings = { ...preferenceDefaults(method), ...settings };
    this.#continuePolicy = continuePolicy;
    this.#seed = seed;
    const byThumbs = method === 'KTO';
    const usable = byThumbs ? withThumbs(rankings) : withPairs(rankings);
    this.#rankings = usable.map((ranking) => tokeniseRanking(tokenizer, ranking, models.shape.context));
    if (byThumbs) expectBothKinds(thumbsOf(this.#rankings));
    else if (this.#rankings.length === 0)
      throw new InputError(
        `Expected rankings in which one reply is better than another, got ${rankings.length} without such a pair.`,
        'Rank a few prompts, then train again.',
      );
    this.#probe = probeOn(workshop, rankings, seed);
    this.#policyBefore = models.weights('policy');
    this.steps = byThumbs
      ? ktoSteps(thumbsOf(this.#rankings).length, ktoSettings(this.#settings))
      : preferenceSteps(this.#rankings.length, this.#settings);
  }

  build(saved: SavedState | null): void {
    const { policy, refPolicy, attach } = startPolicy(this.#workshop.models, saved, this.#continuePolicy);
    const optimiser = preferenceOptimiser(policy);
    this.#state = { policy, refPolicy, optimiser };
    if (saved) optimiser.restore(withoutPrefix(saved.weights, POLICY), saved.numbers['step'] ?? 0);
    attach();
  }

  run(signal: AbortSignal): AsyncGenerator<TrainingStep> {
    return withDrift(this.#learn(), this.#required(), this.#probe, signal);
  }

  #learn(): AsyncGenerator<TrainingStep> {
    const { pad } = this.#workshop.tokenizer.specials;
    const state = this.#required();
    if (this.#method === 'KTO')
      return kto(state, thumbsOf(this.#rankings), ktoSettings(this.#settings), pad, this.#seed);
    const method = PREFERENCE_METHODS.find(({ name }) => name === this.#method);
    if (!method) throw new RangeError(`${this.#method} does not learn from rankings.`);
    return optimisePreferences(state, method, this.#rankings, this.#settings, pad, this.#seed);
  }

  variables(): Variables {
    const { policy, optimiser } = this.#required();
    return new Map([...policy.parameters, ...optimiser.moments()].map(([name, variable]) => [POLICY + name, variable]));
  }

  numbers(): Record<string, number> {
    return { step: this.#required().optimiser.step };
  }

  setNumbers({ step = 0 }: Record<string, number>): void {
    this.#required().optimiser.step = step;
  }

  finish(): Promise<void> {
    return this.#workshop.models.install('policy', this.#required().policy);
  }

  undo(): void {
    undoPolicy(this.#workshop.models, this.#policyBefore);
  }

  release(): void {
    this.#state?.optimiser.dispose();
  }

  #required(): PreferenceState {
    if (!this.#state) throw new Error('The stage was not built.');
    return this.#state;
  }
}

/** Different prompts out of those that were ranked, from all over the list, answered as in PPO. */
function probeOn({ tokenizer, models }: Workshop, rankings: readonly Ranking[], seed: number): DriftProbe {
  const { context } = models.shape;
  const maxNewTokens = longestReply(context, MAX_RESPONSE_TOKENS);
  const different = [...new Map(rankings.map((one) => [JSON.stringify(one.conversation), one.conversation])).values()];
  const apart = Math.max(1, different.length / PROBE_PROMPTS);
  const chosen = different.filter((_, i) => Math.floor(i / apart) !== Math.floor((i - 1) / apart));
  return {
    prompts: chosen.map((talk) => promptTokens(tokenizer, talk, 'policy', context - maxNewTokens)),
    tokens: { stop: tokenizer.specials.end, pad: tokenizer.specials.pad },
    ...{ temperature: 1, maxNewTokens, seed, every: PROBE_EVERY },
  };
}
