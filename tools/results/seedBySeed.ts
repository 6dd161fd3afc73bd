/**
 * Experiments take hours, so each seed is kept as soon as it is measured: a command that was stopped and is given again
 * goes on after the last seed that it ended. What is kept is found again only by the same request, the same model files
 * and the same code.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from './models';

/** What every experiment over seeds comes to. */
export interface SeedsRecord {
  plan: { seeds: readonly number[] };
  seeds: readonly { seed: number }[];
}

interface Kept<R> {
  record: R;
  seconds: number;
}

export interface SeedStore {
  /** A folder. */
  folder: string;
  /** Of everything that a seed's numbers depend on, but the seed. */
  key: string;
}

/**
 * Measures seed after seed.
 *
 * @param store null to measure all anew and keep nothing
 * @returns one record of all seeds, and the seconds that all of them took, whenever that was
 */
export async function seedBySeed<R extends SeedsRecord>(
  seeds: readonly number[],
  store: SeedStore | null,
  measure: (seed: number) => Promise<R>,
  say: (line: string) => void,
): Promise<Kept<R>> {
  const kept: Kept<R>[] = [];
  for (const [i, seed] of seeds.entries()) {
    const file = store && path.join(store.folder, `${store.key.slice(0, 16)}-${seed}.json`);
    if (file && existsSync(file)) {
      kept.push(JSON.parse(readFileSync(file, 'utf8')) as Kept<R>);
      say(`seed ${seed}, ${i + 1} of ${seeds.length}: measured before`);
      continue;
    }
    say(`seed ${seed}, ${i + 1} of ${seeds.length}`);
    const started = performance.now();
    const record = await measure(seed);
    const own = { record, seconds: (performance.now() - started) / 1000 };
    kept.push(own);
    if (!file) continue;
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(own));
  }
  const [first] = kept;
  if (!first) throw new RangeError('Expected at least one seed.');
  return {
    record: {
      ...first.record,
      plan: { ...first.record.plan, seeds },
      seeds: kept.flatMap(({ record }) => record.seeds),
    },
    seconds: kept.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

/** Folders of code that no number of an experiment comes from. */
const BESIDE = new Set(['ui', 'app', 'store', 'sandbox', 'sections', 'plot']);

/** Of all code that an experiment runs. */
export function codeFingerprint(folders: readonly string[] = ['src', 'shaders', 'tools/results']): string {
  const files = folders.flatMap((folder) => filesIn(folder)).sort();
  return sha256(files.map((file) => `${file}\n${sha256(readFileSync(file))}`).join('\n'));
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const found = path.join(folder, entry.name);
    if (entry.isDirectory()) return BESIDE.has(entry.name) ? [] : filesIn(found);
    return /\.test\.ts$|\.oracle\.ts$|\.md$/.test(entry.name) ? [] : [found];
  });
}
