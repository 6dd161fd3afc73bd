import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckpointFile, CheckpointName } from '../session/protocol';
import { Checkpoints } from './checkpoints';
import type { Durability, RecordDatabase, Write } from './database';
import { IndexedDbDatabase } from './indexedDb';
import type { KeyOf, RecordKind, RecordOf } from './schema';

/** Stops answering after some operations, as a database does for a page that is killed. */
class DyingDatabase implements RecordDatabase {
  operations = 0;
  readonly #disk: RecordDatabase;
  readonly #lifetime: number;

  constructor(disk: RecordDatabase, lifetime = Infinity) {
    this.#disk = disk;
    this.#lifetime = lifetime;
  }

  get<K extends RecordKind>(kind: K, key: KeyOf<K>): Promise<RecordOf<K> | undefined> {
    return this.#whileAlive(() => this.#disk.get(kind, key));
  }

  getAll<K extends RecordKind>(kind: K, prefix?: string): Promise<RecordOf<K>[]> {
    return this.#whileAlive(() => this.#disk.getAll(kind, prefix));
  }

  write(writes: readonly Write[], durability: Durability): Promise<void> {
    return this.#whileAlive(() => this.#disk.write(writes, durability));
  }

  async #whileAlive<T>(work: () => Promise<T>): Promise<T> {
    if (this.operations >= this.#lifetime) throw new Error('killed');
    this.operations++;
    return work();
  }
}

const bytesOf = (step: number): ArrayBuffer => new Uint8Array(64).fill(step).buffer;
const file = (name: CheckpointName, step: number): CheckpointFile => ({
  ...{ name, runId: 'run', step, final: true, bytes: bytesOf(step) },
});
const unfinished = (name: CheckpointName, step: number, runId = 'going'): CheckpointFile => ({
  ...file(name, step),
  ...{ runId, final: false },
});
const steps = (files: CheckpointFile[]) => Object.fromEntries(files.map(({ name, step }) => [name, step]));

let disk: IndexedDbDatabase;
let opened = 0;
beforeEach(async () => {
  disk = await IndexedDbDatabase.open({ blocked: () => undefined }, `checkpoints-${opened++}`);
});
afterEach(() => disk.close());

/** Damages the newest stored checkpoint of a slot. */
async function damage(name: CheckpointName, how: (bytes: ArrayBuffer) => ArrayBuffer): Promise<void> {
  const head = await disk.get('checkpointHeads', `nano/${name}`);
  const blob = await disk.get('checkpointBlobs', head!.current);
  const bytes = new Blob([how(await blob!.bytes.arrayBuffer())]);
  await disk.write([{ type: 'put', kind: 'checkpointBlobs', record: { ...blob!, bytes } }], 'strict');
}

describe('checkpoints', () => {
  it('load as they were saved, the newest of each slot, and only those of the preset', async () => {
    const checkpoints = new Checkpoints(disk);
    for (const step of [1, 2, 3]) await checkpoints.save('nano', [file('policy', step)]);
    await checkpoints.save('nano', [file('sft', 9)]);
    await checkpoints.save('mini', [file('policy', 7)]);
    const { files, errors } = await new Checkpoints(disk).load('nano');
    expect(errors).toEqual([]);
    expect(files).toHaveLength(2);
    expect(files.find(({ name }) => name === 'policy')).toEqual(file('policy', 3));
  });

  it('keep the newest two of a slot and no more', async () => {
    const checkpoints = new Checkpoints(disk);
    for (let step = 1; step <= 5; step++) await checkpoints.save('nano', [file('policy', step)]);
    const kept = await disk.getAll('checkpointManifests');
    expect(kept.map(({ step }) => step).sort()).toEqual([4, 5]);
    expect(await disk.getAll('checkpointBlobs')).toHaveLength(2);
  });

  it('of a run that goes on leave the model alone that it is to replace, until it has ended', async () => {
    const checkpoints = new Checkpoints(disk);
    await checkpoints.save('nano', [file('sft', 9)]);
    for (const step of [1, 2]) await checkpoints.save('nano', [unfinished('sft', step)]);
    expect((await checkpoints.load('nano')).files).toEqual([file('sft', 9), unfinished('sft', 2)]);
    const end = { ...file('sft', 3), runId: 'going' };
    // What is gathered may hold both.
    await checkpoints.save('nano', [unfinished('sft', 2), end]);
    expect((await checkpoints.load('nano')).files).toEqual([end]);
    expect(await disk.getAll('checkpointBlobs')).toHaveLength(2);
  });

  it('there is one run that goes on: a later one takes its place, the end of another does not, and it can be removed', async () => {
    const checkpoints = new Checkpoints(disk);
    await checkpoints.save('nano', [unfinished('sft', 1, 'first')]);
    await checkpoints.save('nano', [unfinished('policy', 2, 'second')]);
    await checkpoints.save('nano', [file('sft', 5), { ...file('base', 6), runId: 'first' }]);
    const { files } = await checkpoints.load('nano');
    expect(files.at(-1)).toEqual(unfinished('policy', 2, 'second'));
    expect(files).toHaveLength(3);
    await checkpoints.removeUnfinished('mini');
    expect((await checkpoints.load('nano')).files).toEqual(files);
    await checkpoints.removeUnfinished('nano');
    expect(steps((await checkpoints.load('nano')).files)).toEqual({ base: 6, sft: 5 });
    expect(await disk.getAll('checkpointBlobs')).toHaveLength(2);
  });

  it('a tab killed at any point of a save finds all of the old files or all of the new ones, whole', async () => {
    const counting = new DyingDatabase(disk);
    await new Checkpoints(disk).save('nano', [file('policy', 1), file('rewardModel', 1)]);
    await new Checkpoints(disk).save('nano', [file('policy', 2), file('rewardModel', 2)]);
    await new Checkpoints(counting).save('nano', [file('policy', 3), file('rewardModel', 3)]);
    expect(counting.operations).toBeGreaterThan(5);
    const outcomes = new Set<number>();
    for (let lifetime = 0; lifetime <= counting.operations; lifetime++) {
      const before = steps((await new Checkpoints(disk).load('nano')).files)['policy']!;
      const dying = new Checkpoints(new DyingDatabase(disk, lifetime));
      await dying.save('nano', [file('policy', before + 1), file('rewardModel', before + 1)]).catch(() => undefined);
      const { files, errors } = await new Checkpoints(disk).load('nano');
      expect(errors).toEqual([]);
      const after = steps(files)['policy']!;
      expect([before, before + 1]).toContain(after);
      expect(steps(files)).toEqual({ policy: after, rewardModel: after });
      for (const { bytes, step } of files) expect(new Uint8Array(bytes)).toEqual(new Uint8Array(bytesOf(step)));
      outcomes.add(after - before);
    }
    expect([...outcomes].sort()).toEqual([0, 1]);
  });

  it.each([
    ['truncated', (bytes: ArrayBuffer) => bytes.slice(0, 40), /expected 64 bytes, found 40/],
    ['changed in one bit', (bytes: ArrayBuffer) => flipOneBit(bytes), /expected SHA-256 [0-9a-f]{64}, found/],
  ])('one that was %s is not used: the one before it is, and an error says so', async (_how, how, message) => {
    const checkpoints = new Checkpoints(disk);
    await checkpoints.save('nano', [file('rewardModel', 1)]);
    await checkpoints.save('nano', [file('rewardModel', 2)]);
    await damage('rewardModel', how);
    const { files, errors } = await checkpoints.load('nano');
    expect(files).toEqual([file('rewardModel', 1)]);
    expect(errors).toHaveLength(1);
    expect(errors[0]!.message).toMatch(message);
    expect(errors[0]!.remedy).toMatch(/of step 1, is used/);
  });

  it('a damaged one of a run that goes on says that of what', async () => {
    const checkpoints = new Checkpoints(disk);
    await checkpoints.save('nano', [unfinished('sft', 1)]);
    const head = await disk.get('checkpointHeads', 'nano/unfinished');
    await disk.write(deletionOfBytes(head!.current), 'strict');
    const { files, errors } = await checkpoints.load('nano');
    expect([files, errors[0]!.message]).toEqual([[], expect.stringMatching(/run that has not ended is damaged/)]);
    expect(errors[0]!.remedy).toMatch(/start the run anew/);
  });

  it('where both are damaged none is used, and an error says so', async () => {
    const checkpoints = new Checkpoints(disk);
    await checkpoints.save('nano', [file('sft', 1)]);
    await damage('sft', flipOneBit);
    const { files, errors } = await checkpoints.load('nano');
    expect(files).toEqual([]);
    expect(errors[0]!.remedy).toMatch(/what came with the page is used/);
  });

  it('removed ones are gone, others stay', async () => {
    const checkpoints = new Checkpoints(disk);
    await checkpoints.save('nano', [file('policy', 1), file('sft', 1)]);
    await checkpoints.remove('nano', ['policy', 'base']);
    expect(steps((await checkpoints.load('nano')).files)).toEqual({ sft: 1 });
    expect(await disk.getAll('checkpointBlobs')).toHaveLength(1);
  });
});

const deletionOfBytes = (key: string): Write[] => [{ type: 'delete', kind: 'checkpointBlobs', key }];

function flipOneBit(bytes: ArrayBuffer): ArrayBuffer {
  const copy = new Uint8Array(bytes.slice(0));
  copy[17]! ^= 1;
  return copy.buffer;
}
