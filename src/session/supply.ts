/** The weights that come with the page, brought when something needs them, or once the first reply is there. */
import { toPlainError } from '../errors';
import type { Models } from './models';
import type { ModelRole, SessionEvent } from './protocol';
import type { ShippedModels } from './shippedModels';

/** After the first reply, so long the page is left in peace. */
const REST_AFTER_MS = 1500;

export interface Recipient {
  models: Models;
  /** Keeps the device from other work meanwhile. */
  alone: <T>(work: () => Promise<T>) => Promise<T>;
  /** Weights have come. */
  arrived: () => void;
  emit: (event: SessionEvent) => void;
}

export class Supply {
  /** Whether models come with the page at all. */
  readonly hasModels: boolean;
  readonly #fetchWeights: ShippedModels['fetchWeights'];
  readonly #to: Recipient;
  #restAskedFor = false;

  constructor(fetchWeights: ShippedModels['fetchWeights'], to: Recipient) {
    this.#fetchWeights = fetchWeights;
    this.hasModels = fetchWeights !== null;
    this.#to = to;
  }

  /** Puts what comes with the page in the place of what there is; nothing is fetched yet. */
  offer(): void {
    const fetch = this.#fetchWeights;
    if (fetch) for (const name of ['base', 'sft'] as const) this.#to.models.offer(name, () => fetch(name));
  }

  /**
   * Fetches what is not here yet of some models, and says so when it is.
   * @throws CheckpointError where it cannot be had; the next call tries again
   */
  async need(...roles: readonly ModelRole[]): Promise<void> {
    const { models, alone, arrived } = this.#to;
    const missing = roles.filter((role) => models.unfetched.includes(role));
    if (missing.length === 0) return;
    await alone(() => Promise.all(missing.map((role) => models.need(role))));
    arrived();
  }

  /** Fetches the rest, soon and once. */
  needRestLater(): void {
    if (this.#restAskedFor) return;
    this.#restAskedFor = true;
    setTimeout(() => {
      this.need(...this.#to.models.unfetched).catch((error: unknown) =>
        this.#to.emit({ type: 'error', error: toPlainError(error) }),
      );
    }, REST_AFTER_MS);
  }
}
