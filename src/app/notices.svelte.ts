/** What the page has to say: plain sentences that stay until they are dismissed or no longer true. */
import { toPlainError } from '../errors';
import type { PlainError } from '../errors';

export interface Notice {
  /** One notice a topic: a newer one takes the place of the older. */
  topic: string;
  tone: 'error' | 'warning' | 'information';
  message: string;
  remedy: string;
  /** Shown on request: the stack, or what exactly came. */
  detail: string;
}

export class Notices {
  #list = $state.raw<readonly Notice[]>([]);

  get list(): readonly Notice[] {
    return this.#list;
  }

  show(notice: Notice): void {
    this.#list = [...this.#list.filter((other) => other.topic !== notice.topic), notice].slice(-4);
  }

  /** Shows a failure; one that the person asked for (a stop) is no news. */
  fail(topic: string, error: unknown): void {
    const plain = toPlainError(error);
    if (plain.code !== 'cancelled') this.showError(topic, plain);
  }

  showError(topic: string, error: PlainError): void {
    this.show({
      topic,
      // A refusal is no failure: nothing broke.
      tone: error.code === 'run-conflict' ? 'warning' : 'error',
      message: error.message,
      remedy: error.remedy,
      detail: error.code === 'run-conflict' ? '' : `${error.name} (${error.code})\n${error.stack}`,
    });
  }

  dismiss(topic: string): void {
    if (this.#list.some((notice) => notice.topic === topic)) {
      this.#list = this.#list.filter((notice) => notice.topic !== topic);
    }
  }
}
