/**
 * A reward function of the person's own: its text, what it counts, a trial on replies that are there, and the answers to
 * a run that asks what replies are worth to it.
 */
import { toPlainError } from '../errors';
import { FIRST_CODE, LONGEST_CODE, type RewardItem } from '../sandbox/rewardFunction';
import { RewardSandbox } from '../sandbox/rewardSandbox';
import type { OwnReward as Request, SessionEvent } from '../session/protocol';
import type { Preferences } from '../store/schema';
import type { Session } from './session.svelte';

type Stored = Preferences['ownReward'];

/** Weights from 0, which leaves a part out. */
export const MOST_WEIGHT = 10;

export interface Trial {
  item: RewardItem;
  reward: number;
}

export class OwnReward {
  /** Whether the next PPO run is paid by it. */
  #used = $state(false);
  #code = $state(FIRST_CODE);
  #weight = $state(1);
  #modelWeight = $state(1);
  /** What it said of the replies that it was tried on last. */
  trials = $state.raw<readonly Trial[]>([]);
  /** What is wrong with it, and what to do; empty where nothing is known to be. */
  problem = $state('');
  trying = $state(false);

  readonly #session: Session;
  readonly #changed: (stored: Stored) => void;
  /** The sandbox that runs, and the text that it runs. */
  #running: { code: string; sandbox: Promise<RewardSandbox> } | null = null;

  /** @param changed called after each change, with what a later visit must bring back */
  constructor(session: Session, changed: (stored: Stored) => void) {
    this.#session = session;
    this.#changed = changed;
    session.listen((event) => {
      if (event.type === 'reward.ask') void this.#answer(event);
      if (event.type === 'run.state' && event.state !== 'running' && event.state !== 'paused') this.#end();
    });
  }

  get used(): boolean {
    return this.#used;
  }
  set used(used: boolean) {
    this.#used = used;
    this.#keep();
  }

  get code(): string {
    return this.#code;
  }
  set code(code: string) {
    this.#code = code.slice(0, LONGEST_CODE);
    this.trials = [];
    this.problem = '';
    this.#keep();
  }

  get weight(): number {
    return this.#weight;
  }
  get modelWeight(): number {
    return this.#modelWeight;
  }

  /** Sets a weight; returns what is wrong otherwise, and keeps the old one. */
  weigh(which: 'weight' | 'modelWeight', value: number): string {
    if (!(value >= 0 && value <= MOST_WEIGHT)) return `A weight must be from 0 to ${MOST_WEIGHT}.`;
    const [weight, modelWeight] = which === 'weight' ? [value, this.#modelWeight] : [this.#weight, value];
    if (weight === 0 && modelWeight === 0) return 'Something must count: raise the other weight first.';
    [this.#weight, this.#modelWeight] = [weight, modelWeight];
    this.#keep();
    return '';
  }

  /** What a PPO run is to be paid by, besides the reward model; null where it is not used. */
  get request(): Request | null {
    if (!this.#used) return null;
    return { code: this.#code, weight: this.#weight, modelWeight: this.#modelWeight };
  }

  reset(): void {
    this.code = FIRST_CODE;
  }

  /** Scores replies, best first. */
  async try(items: readonly RewardItem[]): Promise<void> {
    this.trying = true;
    this.problem = '';
    this.trials = [];
    try {
      const rewards = await (await this.#sandbox(this.#code)).score(items);
      this.trials = items
        .map((item, i) => ({ item, reward: rewards[i] as number }))
        .sort((one, other) => other.reward - one.reward);
    } catch (error) {
      const { message, remedy } = toPlainError(error);
      this.problem = `${message} ${remedy}`;
      this.#end();
    } finally {
      this.trying = false;
    }
  }

  restore(stored: Stored): void {
    this.#used = stored.used;
    this.#code = stored.code;
    this.#weight = stored.weight;
    this.#modelWeight = stored.modelWeight;
  }

  async #answer({ askId, code, items }: Extract<SessionEvent, { type: 'reward.ask' }>): Promise<void> {
    try {
      const rewards = await (await this.#sandbox(code)).score(items);
      await this.#session.call('reward.answer', { askId, rewards });
    } catch (error) {
      this.#end();
      await this.#session.call('reward.answer', { askId, error: toPlainError(error) });
    }
  }

  /** The sandbox of a text: the one that runs, or a new one. */
  async #sandbox(code: string): Promise<RewardSandbox> {
    const running = this.#running;
    if (running?.code === code && !(await running.sandbox).ended) return running.sandbox;
    this.#end();
    const sandbox = RewardSandbox.open(code);
    this.#running = { code, sandbox };
    return sandbox;
  }

  #end(): void {
    void this.#running?.sandbox.then(
      (sandbox) => sandbox.close(),
      () => undefined,
    );
    this.#running = null;
  }

  #keep(): void {
    this.#changed({ used: this.#used, code: this.#code, weight: this.#weight, modelWeight: this.#modelWeight });
  }
}
