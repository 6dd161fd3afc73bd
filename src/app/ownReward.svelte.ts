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
  /** Whether the next run of a method that is paid by rewards, as PPO is, is paid by it. */
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
  /** One for the live run and one for trials, which must not end the other. */
  readonly #ofRun = new OpenSandbox();
  readonly #ofTrials = new OpenSandbox();

  /** @param changed called after each change, with what a later visit must bring back */
  constructor(session: Session, changed: (stored: Stored) => void) {
    this.#session = session;
    this.#changed = changed;
    session.listen((event) => {
      if (event.type === 'reward.ask') void this.#answer(event);
      if (event.type === 'run.state' && event.state !== 'running' && event.state !== 'paused') this.#ofRun.close();
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

  /** What the next run is to be paid by, besides the reward model; null where it is not used. */
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
      const rewards = await this.#ofTrials.score(this.#code, items);
      this.trials = items
        .map((item, i) => ({ item, reward: rewards[i] as number }))
        .sort((one, other) => other.reward - one.reward);
    } catch (error) {
      const { message, remedy } = toPlainError(error);
      this.problem = `${message} ${remedy}`;
    } finally {
      this.#ofTrials.close();
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
    const answer = await this.#ofRun.score(code, items).then(
      (rewards) => ({ askId, rewards }),
      (error: unknown) => ({ askId, error: toPlainError(error) }),
    );
    // A session that was closed meanwhile waits for no answer.
    await this.#session.call('reward.answer', answer).catch(() => undefined);
  }

  #keep(): void {
    this.#changed({ used: this.#used, code: this.#code, weight: this.#weight, modelWeight: this.#modelWeight });
  }
}

/** The sandbox of one text at a time, opened when it is asked. */
class OpenSandbox {
  #open: { code: string; sandbox: Promise<RewardSandbox> } | null = null;

  /** @throws RewardFunctionError; the next call opens another sandbox */
  async score(code: string, items: readonly RewardItem[]): Promise<number[]> {
    if (this.#open?.code !== code) {
      this.close();
      this.#open = { code, sandbox: RewardSandbox.open(code) };
    }
    try {
      return await (await this.#open.sandbox).score(items);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    void this.#open?.sandbox.then(
      (sandbox) => sandbox.close(),
      () => undefined,
    );
    this.#open = null;
  }
}
