/** Whether what the person makes is stored, in words for the status line. */
import type { StoreStatus } from '../store/safeDatabase';
import type { Store } from '../store/store';

export class Storage {
  status = $state.raw<StoreStatus>({ state: 'saved' });

  /** @param leaving called when the page is being left, to hand over what still waits to be stored */
  constructor(store: Store, leaving: () => void) {
    this.status = store.status;
    store.watch((status) => (this.status = status));
    const flush = (): void => {
      leaving();
      void store.flush();
    };
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) flush();
    });
    window.addEventListener('pagehide', flush);
  }
}
