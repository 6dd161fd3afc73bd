/** Whether what the person makes is stored, in words for the status line. */
import type { StoreStatus } from '../store/safeDatabase';
import type { Store } from '../store/store';

export class Storage {
  status = $state.raw<StoreStatus>({ state: 'saved' });

  constructor(store: Store) {
    this.status = store.status;
    store.watch((status) => (this.status = status));
    // A page that is being left writes what still waits.
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) void store.flush();
    });
    window.addEventListener('pagehide', () => void store.flush());
  }
}
