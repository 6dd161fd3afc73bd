/** Questions to the page's sandbox that wait for an answer: what replies are worth to a function that the person wrote. */
import { RemoteError } from '../errors';
import type { Commands, SessionEvent } from './protocol';

export class RewardQuestions {
  readonly #emit: (event: SessionEvent) => void;
  readonly #waiting = new Map<number, { resolve(rewards: number[]): void; reject(error: Error): void }>();
  #nextId = 1;

  constructor(emit: (event: SessionEvent) => void) {
    this.#emit = emit;
  }

  /** @throws RemoteError with what the sandbox said was wrong */
  ask(code: string, items: { prompt: string; reply: string }[]): Promise<number[]> {
    const askId = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(askId, { resolve, reject });
      this.#emit({ type: 'reward.ask', askId, code, items });
    });
  }

  answer(answer: Commands['reward.answer']): null {
    const waiting = this.#waiting.get(answer.askId);
    this.#waiting.delete(answer.askId);
    if ('error' in answer) waiting?.reject(new RemoteError(answer.error));
    else waiting?.resolve(answer.rewards);
    return null;
  }
}
