/** The little that the record kinds need of a database; IndexedDB and the memory behind it both offer it. */
import { KEY_PATHS } from './schema';
import type { KeyOf, RecordKind, RecordOf } from './schema';

/** `strict`: on the disk before the promise resolves; `relaxed`: handed to the operating system, and faster. */
export type Durability = 'strict' | 'relaxed';

export type WriteOf<K extends RecordKind> =
  | { type: 'put'; kind: K; record: RecordOf<K> }
  | { type: 'delete'; kind: K; key: KeyOf<K> }
  | { type: 'clear'; kind: K };

export type Write = { [K in RecordKind]: WriteOf<K> }[RecordKind];

export interface RecordDatabase {
  get<K extends RecordKind>(kind: K, key: KeyOf<K>): Promise<RecordOf<K> | undefined>;
  /** All records in the order of their keys; with `prefix`, those whose compound key begins with it. */
  getAll<K extends RecordKind>(kind: K, prefix?: string): Promise<RecordOf<K>[]>;
  /** Does all of the writes or none. */
  write(writes: readonly Write[], durability: Durability): Promise<void>;
}

/**
 * A record's key, read from the fields that make it up.
 *
 * @throws TypeError where a field is missing
 */
export function keyOf<K extends RecordKind>(kind: K, record: RecordOf<K>): KeyOf<K>;
export function keyOf(kind: RecordKind, record: object): IDBValidKey {
  const parts = KEY_PATHS[kind].map((field): IDBValidKey => {
    const part: unknown = Reflect.get(record, field);
    if (typeof part === 'string' || typeof part === 'number') return part;
    throw new TypeError(`A record of ${kind} has no "${field}" to be found by.`);
  });
  return parts.length === 1 ? parts[0]! : parts;
}
