/** The runs of earlier visits, and what another tab trains now: followed through the store. */
import type { PresetName, StageName } from '../config';
import type { RunRecord } from '../store/schema';
import type { Store } from '../store/store';
import type { Notices } from './notices.svelte';
import { Run } from './run.svelte';
import type { Training } from './training.svelte';
import { otherTabTrains } from './trainingLock';

/** How often this tab looks whether another one trains, and how far it is. */
const LOOK_EVERY_MS = 2000;
/** The other tab lets the lock go and stores the end of its run at the same moment. */
const LAST_WRITE_MS = 500;

export class StoredRuns {
  readonly #training: Training;
  readonly #store: Store;
  readonly #notices: Notices;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #elsewhere = false;

  constructor(training: Training, store: Store, notices: Notices) {
    this.#training = training;
    this.#store = store;
    this.#notices = notices;
  }

  /** Shows the last run of each stage of a size of model, and from now on what another tab trains of it. */
  async restore(preset: PresetName): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#elsewhere = await otherTabTrains();
    await this.#show(preset);
    if (this.#elsewhere) this.#tellOfOtherTab();
    this.#lookLater(preset);
  }

  #lookLater(preset: PresetName): void {
    const timer = setTimeout(() => {
      void this.#look(preset).finally(() => {
        if (this.#timer === timer) this.#lookLater(preset);
      });
    }, LOOK_EVERY_MS);
    this.#timer = timer;
  }

  async #look(preset: PresetName): Promise<void> {
    const before = this.#elsewhere;
    this.#elsewhere = await otherTabTrains();
    if (!this.#elsewhere && !before) return;
    if (!this.#elsewhere) await new Promise((resolve) => setTimeout(resolve, LAST_WRITE_MS));
    await this.#show(preset);
    if (this.#elsewhere && !before) this.#tellOfOtherTab();
    if (!this.#elsewhere && !this.#training.busy) {
      this.#tell('The other tab is done training.', 'Reload this tab to see what it learned.');
    }
  }

  #tellOfOtherTab(): void {
    const remedy = 'You can chat and rank here; to see what it learned, reload this tab when it is done.';
    this.#tell('Another tab of Nudge is training right now.', remedy);
  }

  #tell(message: string, remedy: string): void {
    this.#notices.show({ topic: 'training', tone: 'information', message, remedy, detail: '' });
  }

  /** Puts each run in its place, as the store has it. */
  async #show(preset: PresetName): Promise<void> {
    const records = await this.#store.runs.list();
    // Of the runs whose end was not stored, the newest goes on; the others were cut short by the end of a visit.
    const followed = this.#elsewhere ? lastChanged(records.filter(isLive)) : undefined;
    const newest = new Map<StageName, RunRecord>();
    for (const record of records) {
      const shows = record === followed || leftSomething(record);
      if (record.preset === preset && shows) newest.set(record.stage, record);
    }
    for (const run of Object.values(this.#training.runs)) {
      if (run.elsewhere && newest.get(run.stage)?.id !== run.id) this.#training.remove(run);
    }
    for (const record of newest.values()) await this.#showOne(record, record === followed);
  }

  async #showOne(record: RunRecord, elsewhere: boolean): Promise<void> {
    const shown = this.#training.runs[record.stage];
    const same = shown?.id === record.id;
    // A run of this tab knows more of itself than the store does.
    if (shown && (same ? !shown.elsewhere : shown.createdAt >= record.createdAt)) return;
    const run = shown && same ? shown : new Run(record.id, record.stage, record.createdAt);
    if (!elsewhere) {
      for (const { step, values } of await this.#store.metrics.load(record.id)) run.metrics.append(step, values);
    }
    run.take(record, elsewhere);
    this.#training.put(run);
    if (elsewhere && !same) this.#training.shown = run.stage;
  }
}

const isLive = ({ state }: RunRecord): boolean => state === 'running' || state === 'paused';

/** What was cut short before its first step left nothing in the models. */
const leftSomething = ({ step, state }: RunRecord): boolean => step > 0 || state === 'done' || state === 'failed';

function lastChanged(records: readonly RunRecord[]): RunRecord | undefined {
  return records.reduce<RunRecord | undefined>(
    (last, record) => (last && last.updatedAt > record.updatedAt ? last : record),
    undefined,
  );
}
