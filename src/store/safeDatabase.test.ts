import { describe, expect, it, vi } from 'vitest';
import type { Durability, RecordDatabase, Write } from './database';
import { Overlay } from './overlay';
import { RETRY_MILLISECONDS, SafeDatabase } from './safeDatabase';
import type { StoreStatus } from './safeDatabase';
import type { ConversationRecord, KeyOf, RecordKind, RecordOf } from './schema';

/** A disk that can be made full: its records live in an overlay over nothing. */
class Disk implements RecordDatabase {
  refusal: Error | null = null;
  tries = 0;
  readonly records = new Overlay();

  async get<K extends RecordKind>(kind: K, key: KeyOf<K>): Promise<RecordOf<K> | undefined> {
    return this.records.get(kind, key).record;
  }

  async getAll<K extends RecordKind>(kind: K, prefix?: string): Promise<RecordOf<K>[]> {
    return this.records.merge(kind, [], prefix);
  }

  async write(writes: readonly Write[], _durability: Durability): Promise<void> {
    this.tries++;
    if (this.refusal) throw this.refusal;
    this.records.keep(writes);
  }
}

const conversation = (id: string, text = id): ConversationRecord => ({
  id,
  messages: [{ role: 'user', text }],
  createdAt: 1,
  updatedAt: 1,
});
const put = (record: ConversationRecord): Write => ({ type: 'put', kind: 'conversations', record });
const full = () => new DOMException('no room', 'QuotaExceededError');

async function opened(): Promise<{ disk: Disk; safe: SafeDatabase; clock: { time: number }; seen: string[] }> {
  const clock = { time: 0 };
  const disk = new Disk();
  const safe = new SafeDatabase(() => clock.time);
  await safe.attach(disk);
  const seen: string[] = [];
  safe.watch((status) => seen.push(status.state));
  return { disk, safe, clock, seen };
}

describe('safe database', () => {
  it('says "saving" while it writes and "saved" when the disk has it', async () => {
    const { safe, disk, seen } = await opened();
    const both = [safe.write([put(conversation('a'))], 'strict'), safe.write([put(conversation('b'))], 'strict')];
    expect(seen).toEqual(['saving']);
    await Promise.all(both);
    expect(seen).toEqual(['saving', 'saved']);
    expect(await disk.getAll('conversations')).toHaveLength(2);
  });

  it('keeps what a full disk refuses, says so with a remedy, and reads it back', async () => {
    const { safe, disk } = await opened();
    await safe.write([put(conversation('a', 'old'))], 'strict');
    disk.refusal = full();
    await safe.write([put(conversation('a', 'new')), put(conversation('b'))], 'strict');
    const status: StoreStatus = safe.status;
    expect(status).toMatchObject({ state: 'memory-only', error: { code: 'storage-full', name: 'StorageFullError' } });
    expect((await safe.get('conversations', 'a'))?.messages[0]?.text).toBe('new');
    expect((await safe.getAll('conversations')).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('saves everything it kept, in one go, once the disk has room again, and asks no more often than it should', async () => {
    const { safe, disk, clock, seen } = await opened();
    disk.refusal = full();
    await safe.write([put(conversation('a'))], 'strict');
    const tries = disk.tries;
    await safe.write([put(conversation('b'))], 'strict');
    expect(disk.tries).toBe(tries);
    disk.refusal = null;
    clock.time = RETRY_MILLISECONDS;
    await safe.write([put(conversation('c'))], 'strict');
    expect((await disk.getAll('conversations')).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(disk.tries).toBe(tries + 1);
    expect(seen.at(-1)).toBe('saved');
  });

  it('offers the disk what it kept by itself, again and again until there is room', async () => {
    vi.useFakeTimers();
    try {
      const { safe, disk } = await opened();
      disk.refusal = full();
      await safe.write([put(conversation('a'))], 'strict');
      await vi.advanceTimersByTimeAsync(RETRY_MILLISECONDS);
      expect(safe.status.state).toBe('memory-only');
      disk.refusal = null;
      await vi.advanceTimersByTimeAsync(RETRY_MILLISECONDS);
      expect(safe.status.state).toBe('saved');
      expect(await disk.getAll('conversations')).toEqual([conversation('a')]);
      const { tries } = disk;
      await vi.advanceTimersByTimeAsync(10 * RETRY_MILLISECONDS);
      expect(disk.tries).toBe(tries);
    } finally {
      vi.useRealTimers();
    }
  });

  it('does a refused deletion too', async () => {
    const { safe, disk } = await opened();
    await safe.write([put(conversation('a')), put(conversation('b'))], 'strict');
    disk.refusal = full();
    await safe.write([{ type: 'delete', kind: 'conversations', key: 'a' }], 'strict');
    expect(await safe.get('conversations', 'a')).toBeUndefined();
    disk.refusal = null;
    await safe.flush();
    expect((await disk.getAll('conversations')).map(({ id }) => id)).toEqual(['b']);
  });

  it('stores what a record was when it was written, not what became of it since', async () => {
    const { safe } = await opened();
    const record = conversation('a', 'then');
    const writing = safe.write([put(record)], 'strict');
    record.messages[0]!.text = 'later';
    await writing;
    expect((await safe.get('conversations', 'a'))?.messages[0]?.text).toBe('then');
  });

  it('throws what no storage could take, and goes on saving the rest', async () => {
    const { safe } = await opened();
    const record = { ...conversation('a'), surprise: () => 0 };
    await expect(safe.write([put(record)], 'strict')).rejects.toThrow(/could not be cloned/);
    await safe.write([put(conversation('b'))], 'strict');
    expect(safe.status).toEqual({ state: 'saved' });
  });

  it('works in memory from the start where there is no disk, and hands over when one comes', async () => {
    const safe = new SafeDatabase();
    safe.goWithoutDisk(new DOMException('The user denied permission', 'SecurityError'));
    await safe.write([put(conversation('a'))], 'strict');
    expect(safe.status).toMatchObject({ state: 'memory-only', error: { code: 'storage-unavailable' } });
    expect(await safe.get('conversations', 'a')).toEqual(conversation('a'));
    const disk = new Disk();
    await safe.attach(disk);
    expect(safe.status).toEqual({ state: 'saved' });
    expect(await disk.getAll('conversations')).toEqual([conversation('a')]);
  });
});
