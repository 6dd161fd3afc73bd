/**
 * The models of a session: on the device, and the same numbers on the host, from which they are rebuilt when the
 * device is lost and which the page can export.
 */
import type { ModelShape } from '../config';
import { gptFrom, readVariables } from '../model/checkpoint';
import { disposeGpt, type Gpt } from '../model/gpt';
import type { StoredTensor } from '../model/safetensors';
import { disposeJudges, judgeParameters, type Judges, judgesByPrefix, judgesOf } from '../model/judges';
import { disposeRewardModel, type RewardModel } from '../model/rewardHead';
import { fingerprintOf } from './fingerprint';
import type { CheckpointName, Fingerprints, ModelRole, StageReport } from './protocol';

export type HostWeights = ReadonlyMap<string, StoredTensor>;
export type Origin = 'shipped' | 'trained';

/** Fetches weights that come with the page. */
type FetchWeights = () => Promise<HostWeights>;

interface Held<M> {
  model: M;
  weights: HostWeights;
  origin: Origin;
}

/** All that a session held at one time, on the host. */
export interface KeptModels {
  models: ReadonlyMap<CheckpointName, { weights: HostWeights; origin: Origin }>;
  unfetched: ReadonlyMap<ModelRole, FetchWeights>;
}

export class Models {
  readonly shape: ModelShape;
  readonly #gpts = new Map<ModelRole, Held<Gpt>>();
  readonly #fingerprints = new WeakMap<HostWeights, string>();
  readonly #unfetched = new Map<ModelRole, FetchWeights>();
  readonly #arriving = new Map<FetchWeights, Promise<void>>();
  #judges: Held<Judges> | null = null;

  constructor(shape: ModelShape) {
    this.shape = shape;
  }

  /** There is a shipped model of this role, and its weights are fetched when they are first needed. */
  offer(role: ModelRole, fetch: FetchWeights): void {
    this.#unfetched.set(role, fetch);
  }

  /** Shipped models whose weights are not here yet. */
  get unfetched(): ModelRole[] {
    return [...this.#unfetched.keys()];
  }

  /**
   * Makes sure that a shipped model is here, where there is one; once, however many ask. What replaced it in the meantime
   * stays.
   * @throws CheckpointError where the weights cannot be had; the next call tries again
   */
  async need(role: ModelRole): Promise<void> {
    const fetch = this.#unfetched.get(role);
    if (!fetch) return;
    const arriving =
      this.#arriving.get(fetch) ??
      fetch()
        .then((weights) => {
          if (this.#unfetched.get(role) === fetch) this.load(role, weights, 'shipped');
        })
        .finally(() => this.#arriving.delete(fetch));
    this.#arriving.set(fetch, arriving);
    await arriving;
  }

  /** Null also where the weights are yet to be fetched, see `need`. */
  gpt(role: ModelRole): Gpt | null {
    return this.#gpts.get(role)?.model ?? null;
  }

  /** Those that score together; none before one was trained. */
  get rewardModels(): readonly RewardModel[] {
    return this.#judges?.model.members ?? [];
  }

  /** Tells whether a reply keeps the rule; null before one was trained. */
  get ruleModel(): RewardModel | null {
    return this.#judges?.model.rule ?? null;
  }

  /** Every language model that is here. */
  gpts(): Partial<Record<ModelRole, Gpt>> {
    return Object.fromEntries([...this.#gpts].map(([role, { model }]) => [role, model]));
  }

  weights(name: CheckpointName): HostWeights | null {
    return (name === 'rewardModel' ? this.#judges : this.#gpts.get(name))?.weights ?? null;
  }

  report(): StageReport {
    const origin = (role: ModelRole): Origin | 'none' =>
      this.#gpts.get(role)?.origin ?? (this.#unfetched.has(role) ? 'shipped' : 'none');
    return {
      base: origin('base'),
      sft: origin('sft'),
      rewardModel: this.#judges ? 'trained' : 'none',
      policy: origin('policy') === 'none' ? 'none' : 'trained',
    };
  }

  /** Of every model that is here. One that is being trained has the fingerprint of where it began. */
  fingerprints(): Fingerprints {
    const of = (weights: HostWeights, names: Iterable<string>): string => {
      const fingerprint = this.#fingerprints.get(weights) ?? fingerprintOf(weights, names);
      this.#fingerprints.set(weights, fingerprint);
      return fingerprint;
    };
    const all: Fingerprints = {};
    for (const [role, { model, weights }] of this.#gpts) all[role] = of(weights, model.parameters.keys());
    const judges = this.#judges;
    if (judges) all.rewardModel = of(judges.weights, judgeParameters(judges.model).keys());
    return all;
  }

  /** Makes a model from host weights. */
  load(name: CheckpointName, weights: HostWeights, origin: Origin): void {
    if (name === 'rewardModel') this.#hold(judgesOf(this.shape, weights), weights);
    else this.#holdGpt(name, gptFrom(this.shape, weights), weights, origin);
  }

  /** Takes a trained language model over; the one before is disposed. */
  async install(role: ModelRole, gpt: Gpt): Promise<void> {
    this.#holdGpt(role, gpt, await readVariables(gpt.parameters), 'trained');
  }

  /** Takes a language model over while it is still being trained, so that the chat can talk to it. */
  attach(role: ModelRole, gpt: Gpt, weights: HostWeights): void {
    this.#holdGpt(role, gpt, weights, 'trained');
  }

  /** @param members at least one */
  async installRewardModels(members: readonly RewardModel[], rule: RewardModel | null = null): Promise<void> {
    const judges = { members, rule };
    this.#hold(judges, await readVariables(judgeParameters(judges)));
  }

  /** Forgets a model that no longer belongs to what it was made from. */
  drop(name: CheckpointName): void {
    if (name === 'rewardModel') {
      if (this.#judges) disposeJudges(this.#judges.model);
      this.#judges = null;
      return;
    }
    this.#unfetched.delete(name);
    const held = this.#gpts.get(name);
    if (held) disposeGpt(held.model);
    this.#gpts.delete(name);
  }

  /** For going back, see `bringBack`. */
  keep(): KeptModels {
    const models = new Map<CheckpointName, Pick<Held<unknown>, 'weights' | 'origin'>>(this.#gpts);
    if (this.#judges) models.set('rewardModel', this.#judges);
    return {
      models: new Map([...models].map(([name, { weights, origin }]) => [name, { weights, origin }])),
      unfetched: new Map(this.#unfetched),
    };
  }

  /** Has exactly what was kept. */
  bringBack({ models, unfetched }: KeptModels): void {
    for (const name of ['base', 'sft', 'rewardModel', 'policy'] as const) {
      const kept = models.get(name);
      if (kept) this.load(name, kept.weights, kept.origin);
      else this.drop(name);
    }
    for (const [role, fetch] of unfetched) this.offer(role, fetch);
  }

  /** After a lost device: every tensor is made again from the host's copy. */
  rebuild(): void {
    for (const [role, { weights, origin }] of this.#gpts) {
      this.#gpts.set(role, { model: gptFrom(this.shape, weights), weights, origin });
    }
    if (this.#judges) {
      const { weights } = this.#judges;
      this.#judges = { model: judgesOf(this.shape, weights), weights, origin: 'trained' };
    }
  }

  #holdGpt(role: ModelRole, model: Gpt, weights: HostWeights, origin: Origin): void {
    const before = this.#gpts.get(role)?.model;
    if (before && before !== model) disposeGpt(before);
    this.#unfetched.delete(role);
    this.#gpts.set(role, { model, weights, origin });
  }

  #hold(judges: Judges, weights: HostWeights): void {
    const kept = new Set(judgesByPrefix(judges).map(([, model]) => model));
    for (const [, before] of this.#judges ? judgesByPrefix(this.#judges.model) : [])
      if (!kept.has(before)) disposeRewardModel(before);
    this.#judges = { model: judges, weights, origin: 'trained' };
  }
}
