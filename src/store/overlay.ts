/** Writes that the disk does not have yet, laid over what it has. */
import { keyOf } from './database';
import type { Write, WriteOf } from './database';
import { RECORD_KINDS } from './schema';
import type { KeyOf, RecordKind, RecordOf } from './schema';

interface Layer<K extends RecordKind> {
  /** Everything that the disk has of this kind counts as gone. */
  cleared: boolean;
  /** The newest write of each key; null: deleted. */
  entries: Map<string, { key: KeyOf<K>; record: RecordOf<K> | null; write: Write }>;
}

type Layers = { [K in RecordKind]: Layer<K> };

const emptyLayer = <K extends RecordKind>(): Layer<K> => ({ cleared: false, entries: new Map() });

export class Overlay {
  #layers: Layers = emptyLayers();

  /** `hides`: whatever the disk has under this key does not count, and `record` does. */
  get<K extends RecordKind>(kind: K, key: KeyOf<K>): { hides: boolean; record: RecordOf<K> | undefined } {
    const layer: Layer<K> = this.#layers[kind];
    const entry = layer.entries.get(JSON.stringify(key));
    return { hides: layer.cleared || entry !== undefined, record: entry?.record ?? undefined };
  }

  /** What there is of a kind, in the order of its keys, given what the disk has. */
  merge<K extends RecordKind>(kind: K, stored: RecordOf<K>[], prefix?: string): RecordOf<K>[] {
    const layer: Layer<K> = this.#layers[kind];
    if (!layer.cleared && layer.entries.size === 0) return stored;
    const merged = new Map<string, RecordOf<K>>();
    if (!layer.cleared) for (const record of stored) merged.set(JSON.stringify(keyOf(kind, record)), record);
    for (const [text, { key, record }] of layer.entries) {
      if (record === null) merged.delete(text);
      else if (prefix === undefined || (Array.isArray(key) && key[0] === prefix)) merged.set(text, record);
    }
    return [...merged.values()].sort((a, b) => compareKeys(keyOf(kind, a), keyOf(kind, b)));
  }

  keep(writes: readonly Write[]): void {
    for (const write of writes) this.#keepOne(write, write);
  }

  /** All that is kept, as writes to bring the disk up to date. */
  writes(): Write[] {
    return RECORD_KINDS.flatMap((kind): Write[] => {
      const { cleared, entries } = this.#layers[kind];
      return [
        ...(cleared ? [{ type: 'clear', kind } as const] : []),
        ...[...entries.values()].map(({ write }) => write),
      ];
    });
  }

  clear(): void {
    this.#layers = emptyLayers();
  }

  /** @param original the same write, with its kind known: what `writes` gives back */
  #keepOne<K extends RecordKind>(write: WriteOf<K>, original: Write): void {
    const layer: Layer<K> = this.#layers[write.kind];
    if (write.type === 'clear') {
      layer.cleared = true;
      layer.entries.clear();
      return;
    }
    const key = write.type === 'put' ? keyOf(write.kind, write.record) : write.key;
    const record = write.type === 'put' ? write.record : null;
    layer.entries.set(JSON.stringify(key), { key, record, write: original });
  }
}

function emptyLayers(): Layers {
  return {
    conversations: emptyLayer(),
    rankings: emptyLayer(),
    rankingDrafts: emptyLayer(),
    demonstrations: emptyLayer(),
    runs: emptyLayer(),
    metrics: emptyLayer(),
    checkpointBlobs: emptyLayer(),
    checkpointManifests: emptyLayer(),
    checkpointHeads: emptyLayer(),
    preferences: emptyLayer(),
    tunings: emptyLayer(),
    rounds: emptyLayer(),
  };
}

/** IndexedDB's order, for the keys that there are: strings by code unit, numbers by size, arrays part by part. */
function compareKeys(a: IDBValidKey, b: IDBValidKey): number {
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      const order = compareKeys(a[i]!, b[i]!);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
}
