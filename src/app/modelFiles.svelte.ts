/** Weights and labels as files: out as safetensors and TRL's JSONL, in as safetensors. */
import type { CheckpointName } from '../session/protocol';
import { saveFile } from './saveFile';
import type { Labels } from './labels.svelte';
import type { Notices } from './notices.svelte';
import type { Session } from './session.svelte';
import { demonstrationLines, preferenceLines } from './trlExport';

export class ModelFiles {
  busy = $state(false);
  /** What was just done, for a live region. */
  done = $state('');

  readonly #session: Session;
  readonly #labels: Labels;
  readonly #notices: Notices;

  constructor(session: Session, labels: Labels, notices: Notices) {
    this.#session = session;
    this.#labels = labels;
    this.#notices = notices;
  }

  exportModel = (name: CheckpointName): Promise<void> =>
    this.#guard(async () => {
      const { bytes, fileName } = await this.#session.call('model.export', { name });
      saveFile(fileName, [bytes], 'application/octet-stream');
      return `Saved ${fileName}.`;
    });

  exportRankings = (): Promise<void> =>
    this.#guard(async () => {
      const text = preferenceLines(await this.#labels.rankings());
      saveFile('nudge-preferences.jsonl', [text], 'application/jsonl');
      return 'Saved nudge-preferences.jsonl.';
    });

  exportDemonstrations = (): Promise<void> =>
    this.#guard(async () => {
      const text = demonstrationLines(await this.#labels.demonstrations());
      saveFile('nudge-demonstrations.jsonl', [text], 'application/jsonl');
      return 'Saved nudge-demonstrations.jsonl.';
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
