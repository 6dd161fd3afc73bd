/** The kernels that were chosen for this GPU by measurement: what the page shows of it, and what later visits have. */
import type { SessionEvent, TuningReport } from '../session/protocol';
import type { Store } from '../store/store';
import type { Notices } from './notices.svelte';
import type { Session } from './session.svelte';

export class KernelTuning {
  /** Null where nothing was measured on the device in use. */
  report = $state.raw<TuningReport | null>(null);
  /** Shapes that have yet to be measured. */
  left = $state(0);

  readonly #session: Session;
  readonly #store: Store;
  readonly #notices: Notices;
  #known: readonly TuningReport[] = [];

  constructor(session: Session, store: Store, notices: Notices) {
    this.#session = session;
    this.#store = store;
    this.#notices = notices;
    session.listen((event) => this.#hear(event));
  }

  /** What earlier visits measured, for a session that is about to be opened. */
  async stored(): Promise<TuningReport[]> {
    this.report = null;
    this.left = 0;
    try {
      const reports = await this.#store.tunings.all();
      this.#known = reports;
      return reports;
    } catch (error) {
      this.#notices.fail('storage', error);
      return [];
    }
  }

  /** Has all of it measured once more, when nothing else goes on. */
  async measureAgain(): Promise<void> {
    try {
      await this.#session.call('tuning.measureAgain', {});
    } catch (error) {
      this.#notices.fail('session', error);
    }
  }

  #hear(event: SessionEvent): void {
    if (event.type !== 'tuning') return;
    const { report, left } = event;
    this.report = report;
    this.left = left;
    if (this.#known.some(({ adapter, measuredAt }) => adapter === report.adapter && measuredAt === report.measuredAt)) {
      return;
    }
    this.#store.tunings.save(report).catch((error: unknown) => this.#notices.fail('storage', error));
  }
}
