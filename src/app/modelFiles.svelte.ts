/** Weights and labels as files: out as safetensors and TRL's JSONL, in as safetensors. */
import type { CheckpointName } from '../session/protocol';
import type { Store } from '../store/store';
import { saveFile } from './saveFile';
import type { Labels } from './labels.svelte';
import type { Notices } from './notices.svelte';
import type { Session } from './session.svelte';
import { demonstrationLines, preferenceLines, thumbLines } from './trlExport';

const LABELS: Record<CheckpointName, string> = {
  base: 'Base',
  sft: 'SFT',
  rewardModel: 'Reward model',
  policy: 'RLHF policy',
};

export class ModelFiles {
  busy = $state(false);
  /** What was just done, for a live region. */
  done = $state('');

  readonly #session: Session;
  readonly #labels: Labels;
  readonly #store: Store;
  readonly #notices: Notices;

  constructor(session: Session, labels: Labels, store: Store, notices: Notices) {
    this.#session = session;
    this.#labels = labels;
    this.#store = store;
    this.#notices = notices;
  }

  /** The models that there are, and where they came from. */
  get models(): { name: CheckpointName; label: string; trainedHere: boolean }[] {
    const stages = this.#session.report?.stages;
    if (!stages) return [];
    return (['base', 'sft', 'rewardModel', 'policy'] as const)
      .filter((name) => stages[name] !== 'none')
      .map((name) => ({ name, label: LABELS[name], trainedHere: stages[name] === 'trained' }));
  }

  exportModel = (name: CheckpointName): Promise<void> =>
    this.#guard(async () => {
      const { bytes, fileName } = await this.#session.call('model.export', { name });
      saveFile(fileName, [bytes], 'application/octet-stream');
      return `Saved ${fileName}.`;
    });

  /** How a run of this visit was started, what it began from, and its numbers. */
  saveRun = (runId: string): Promise<void> =>
    this.#guard(async () => {
      const { bytes, fileName } = await this.#session.call('run.save', { runId });
      saveFile(fileName, [bytes], 'application/octet-stream');
      return `Saved ${fileName}.`;
    });

  exportRankings = (): Promise<void> =>
    this.#guard(async () => {
      const text = preferenceLines(await this.#labels.rankings());
      saveFile('nudge-preferences.jsonl', [text], 'application/jsonl');
      return 'Saved nudge-preferences.jsonl.';
    });

  exportThumbs = (): Promise<void> =>
    this.#guard(async () => {
      const text = thumbLines(await this.#labels.rankings());
      saveFile('nudge-thumbs.jsonl', [text], 'application/jsonl');
      return 'Saved nudge-thumbs.jsonl.';
    });

  exportDemonstrations = (): Promise<void> =>
    this.#guard(async () => {
      const text = demonstrationLines(await this.#labels.demonstrations());
      saveFile('nudge-demonstrations.jsonl', [text], 'application/jsonl');
      return 'Saved nudge-demonstrations.jsonl.';
    });

  /** Everything that is stored but the weights. */
  exportAll = (): Promise<void> =>
    this.#guard(async () => {
      saveFile('nudge-export.json', [JSON.stringify(await this.#store.exportAll())], 'application/json');
      return 'Saved nudge-export.json.';
    });

  /** Replaces a model by a safetensors file; the one in use stays when the file cannot be used. */
  importModel = (name: 'base' | 'sft', file: File): Promise<void> =>
    this.#guard(async () => {
      const bytes = await file.arrayBuffer();
      this.#session.adopt(await this.#session.call('model.import', { name, bytes }, [bytes]));
      return `${file.name} is the ${name === 'sft' ? 'SFT' : 'base'} model now.`;
    });

  async #guard(work: () => Promise<string>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.done = '';
    try {
      this.done = await work();
      this.#notices.dismiss('files');
    } catch (error) {
      this.#notices.fail('files', error);
    } finally {
      this.busy = false;
    }
  }
}
