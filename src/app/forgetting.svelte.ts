/** Forgetting everything: what is stored in this browser goes, and every tab begins anew. */
import type { Store } from '../store/store';
import { forgetTheme } from './appearance.svelte';
import type { Notices } from './notices.svelte';

/** What tabs say to each other: hold your writes, begin anew, or go on as before. */
type Word = 'forgetting' | 'forgotten' | 'kept';

export class Forgetting {
  busy = $state(false);

  readonly #store: Store;
  readonly #notices: Notices;
  readonly #beginAnew: () => void;
  readonly #otherTabs = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('nudge-forgetting');

  /** @param beginAnew loads the page again */
  constructor(store: Store, notices: Notices, beginAnew: () => void) {
    this.#store = store;
    this.#notices = notices;
    this.#beginAnew = beginAnew;
    this.#otherTabs?.addEventListener('message', ({ data }: MessageEvent<Word>) => this.#hear(data));
  }

  async everything(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.#say('forgetting');
    try {
      await this.#store.clearAll();
      forgetTheme();
      this.#say('forgotten');
      this.#beginAnew();
    } catch (error) {
      this.#say('kept');
      this.#notices.fail('storage', error);
      this.busy = false;
    }
  }

  #say(word: Word): void {
    this.#otherTabs?.postMessage(word);
  }

  #hear(word: Word): void {
    this.#store.seal(word !== 'kept');
    if (word === 'forgotten') this.#beginAnew();
  }
}
