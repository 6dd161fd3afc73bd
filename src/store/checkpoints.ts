/**
 * Checkpoints, written whole or not at all.
 *
 * A save goes: bytes and manifest under a new id; read back and compared; one strict transaction points the slot's
 * head to them; the one before last is deleted. Wherever a tab dies in between, the head points to a whole checkpoint,
 * and what nothing points to is swept away at a later load.
 *
 * A run that is going on has a slot of its own, so that the model that it is to replace is there until it ends.
 */
import type { PresetName } from '../config';
import { CheckpointError } from '../errors';
import type { CheckpointFile, CheckpointName } from '../session/protocol';
import type { RecordDatabase, Write } from './database';
import type { CheckpointHeadRecord, CheckpointManifestRecord } from './schema';

/** An unreferenced checkpoint this young may be one that another tab is just writing. */
const ORPHAN_MILLISECONDS = 10 * 60_000;

export interface LoadedCheckpoints {
  files: CheckpointFile[];
  /** One for each checkpoint that was damaged, saying what was taken instead. */
  errors: CheckpointError[];
}

export class Checkpoints {
  readonly #database: RecordDatabase;
  /** Saves of one tab follow one another, so that a head is never computed from a stale one. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(database: RecordDatabase) {
    this.#database = database;
  }

  /**
   * Stores files that belong together: after a crash all count or none does.
   *
   * @throws CheckpointError when what was read back is not what was written; the previous checkpoints still count
   */
  save(preset: PresetName, files: readonly CheckpointFile[]): Promise<void> {
    const saved = this.#tail.then(() => this.#save(preset, files));
    this.#tail = saved.catch(() => undefined);
    return saved;
  }

  /** The newest whole checkpoint of every slot of a preset; that of a run that has not ended comes last. */
  async load(preset: PresetName): Promise<LoadedCheckpoints> {
    await this.#tail;
    const heads = (await this.#database.getAll('checkpointHeads')).filter(({ slot }) => slot.startsWith(`${preset}/`));
    const files: CheckpointFile[] = [];
    const errors: CheckpointError[] = [];
    for (const head of heads) {
      const file = await this.#loadSlot(head, errors);
      if (file) files.push(file);
    }
    await this.#sweep();
    return { files, errors };
  }

  /** Forgets models, as after a reset. */
  async remove(preset: PresetName, names: readonly CheckpointName[]): Promise<void> {
    await this.#empty(names.map((name) => `${preset}/${name}`));
  }

  /** Forgets the run that has not ended, as when nobody will go on with it. */
  async removeUnfinished(preset: PresetName): Promise<void> {
    await this.#empty([`${preset}/${UNFINISHED}`]);
  }

  async #empty(slots: readonly string[]): Promise<void> {
    await this.#tail;
    const writes: Write[] = [];
    for (const slot of slots) {
      const head = await this.#database.get('checkpointHeads', slot);
      if (head) writes.push(...removals(head));
    }
    await this.#database.write(writes, 'strict');
  }

  async #save(preset: PresetName, files: readonly CheckpointFile[]): Promise<void> {
    const ended = new Set(files.filter(({ final }) => final).map(({ runId }) => runId));
    const written: CheckpointManifestRecord[] = [];
    for (const file of files)
      if (file.final || !ended.has(file.runId)) written.push(await this.#writeAndVerify(preset, file));

    const flips: Write[] = [];
    const outdated: string[] = [];
    const unfinished = await this.#database.get('checkpointHeads', `${preset}/${UNFINISHED}`);
    const going = unfinished && (await this.#database.get('checkpointManifests', unfinished.current));
    if (unfinished && going && ended.has(going.runId)) flips.push(...removals(unfinished));
    for (const manifest of written) {
      const { id } = manifest;
      const slot = slotOf(preset, manifest);
      const head = await this.#database.get('checkpointHeads', slot);
      flips.push({
        type: 'put',
        kind: 'checkpointHeads',
        record: { slot, current: id, previous: head?.current ?? null },
      });
      if (head?.previous) outdated.push(head.previous);
    }
    await this.#database.write(flips, 'strict');
    await this.#database.write(outdated.flatMap(deletions), 'relaxed');
  }

  async #writeAndVerify(preset: PresetName, file: CheckpointFile): Promise<CheckpointManifestRecord> {
    const { bytes, ...what } = file;
    const id = crypto.randomUUID();
    const sha256 = await digest(bytes);
    const manifest: CheckpointManifestRecord = {
      ...{ id, format: 1, preset, ...what },
      ...{ length: bytes.byteLength, sha256, createdAt: Date.now() },
    };
    const blob: Write = { type: 'put', kind: 'checkpointBlobs', record: { id, bytes: new Blob([bytes]) } };
    await this.#database.write([blob, { type: 'put', kind: 'checkpointManifests', record: manifest }], 'relaxed');
    const fault = await faultOf(manifest, await this.#bytesOf(id));
    if (fault === null) return manifest;
    await this.#database.write(deletions(id), 'relaxed');
    throw new CheckpointError(
      `The checkpoint of ${file.name} at step ${file.step} was not stored as it was written: ${fault}`,
      'The previous checkpoint still counts. If this comes back, the disk may be failing: export the model.',
    );
  }

  /** What is stored of a checkpoint; undefined where it is gone or cannot be read. */
  async #bytesOf(id: string): Promise<ArrayBuffer | undefined> {
    const blob = await this.#database.get('checkpointBlobs', id);
    return blob?.bytes.arrayBuffer().catch(() => undefined);
  }

  async #loadSlot(head: CheckpointHeadRecord, errors: CheckpointError[]): Promise<CheckpointFile | null> {
    const current = await this.#read(head.current);
    if (typeof current !== 'string') return current;
    const previous = head.previous === null ? 'there is no previous one' : await this.#read(head.previous);
    const [, slot] = head.slot.split('/');
    const name = slot === UNFINISHED ? 'the run that has not ended' : slot;
    const instead = slot === UNFINISHED ? 'start the run anew.' : 'what came with the page is used.';
    const taken =
      typeof previous === 'string'
        ? `No earlier one could be read either; ${instead}`
        : `The one before it, of step ${previous.step}, is used.`;
    errors.push(new CheckpointError(`The stored checkpoint of ${name} is damaged: ${current}`, taken));
    return typeof previous === 'string' ? null : previous;
  }

  /** A whole checkpoint, or what is wrong with it. */
  async #read(id: string): Promise<CheckpointFile | string> {
    const manifest = await this.#database.get('checkpointManifests', id);
    if (!manifest) return 'expected its manifest, found none.';
    const bytes = await this.#bytesOf(id);
    const fault = await faultOf(manifest, bytes);
    if (fault !== null || !bytes) return fault ?? 'expected its bytes, found none.';
    const { name, runId, step, final } = manifest;
    return { name, runId, step, final, bytes };
  }

  /** Deletes what no head points to. */
  async #sweep(): Promise<void> {
    const heads = await this.#database.getAll('checkpointHeads');
    const referred = new Set(heads.flatMap(({ current, previous }) => [current, previous]));
    const manifests = await this.#database.getAll('checkpointManifests');
    const orphans = manifests.filter(
      ({ id, createdAt }) => !referred.has(id) && Date.now() - createdAt > ORPHAN_MILLISECONDS,
    );
    await this.#database.write(
      orphans.flatMap(({ id }) => deletions(id)),
      'relaxed',
    );
  }
}

const UNFINISHED = 'unfinished';

const slotOf = (preset: PresetName, { name, final }: Pick<CheckpointFile, 'name' | 'final'>): string =>
  `${preset}/${final ? name : UNFINISHED}`;

const removals = ({ slot, current, previous }: CheckpointHeadRecord): Write[] => [
  { type: 'delete', kind: 'checkpointHeads', key: slot },
  ...deletions(current),
  ...(previous === null ? [] : deletions(previous)),
];

function deletions(id: string): Write[] {
  return [
    { type: 'delete', kind: 'checkpointBlobs', key: id },
    { type: 'delete', kind: 'checkpointManifests', key: id },
  ];
}

/** Says what is wrong with stored bytes; null: nothing. */
async function faultOf(manifest: CheckpointManifestRecord, bytes: ArrayBuffer | undefined): Promise<string | null> {
  if (!bytes) return `expected ${manifest.length} bytes, found none.`;
  if (bytes.byteLength !== manifest.length) return `expected ${manifest.length} bytes, found ${bytes.byteLength}.`;
  const found = await digest(bytes);
  const comparable = manifest.sha256 !== null && found !== null;
  return comparable && found !== manifest.sha256 ? `expected SHA-256 ${manifest.sha256}, found ${found}.` : null;
}

/** SHA-256 in hexadecimal; null where the origin is not secure and so has no `crypto.subtle`. */
async function digest(bytes: ArrayBuffer): Promise<string | null> {
  if (!('subtle' in crypto)) return null;
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
