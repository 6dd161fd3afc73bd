import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { IndexedDbDatabase } from './indexedDb';
import { Metrics, ROWS_PER_CHUNK } from './metrics';

const open = (name: string) => IndexedDbDatabase.open({ blocked: () => undefined }, name);

describe('metrics', () => {
  it('come back row by row, whatever keys each row has, over as many chunks as it takes', async () => {
    const disk = await open('metrics-rows');
    const metrics = new Metrics(disk);
    const rows = Array.from({ length: 2 * ROWS_PER_CHUNK + 5 }, (_, step) => ({
      step,
      values: { 'objective/kl': step / 7, ...(step % 3 === 0 && { 'loss/value_avg': -step }) } as Record<
        string,
        number
      >,
    }));
    for (const { step, values } of rows) metrics.append('run', step, values);
    metrics.append('other', 1, { 'objective/kl': 99 });
    expect(await metrics.load('run')).toEqual(rows);
    expect((await disk.getAll('metrics', 'run')).map(({ steps }) => steps.length)).toEqual([128, 128, 5]);
  });

  it('a value that is not finite is left out', async () => {
    const metrics = new Metrics(await open('metrics-finite'));
    metrics.append('run', 1, { a: NaN, b: Infinity, c: 0 });
    expect(await metrics.load('run')).toEqual([{ step: 1, values: { c: 0 } }]);
  });

  it('a run that is continued after a reload goes on where it was', async () => {
    const disk = await open('metrics-continued');
    const before = new Metrics(disk);
    before.append('run', 1, { a: 1 });
    await before.flush();
    const after = new Metrics(disk);
    after.append('run', 2, { a: 2, b: 3 });
    expect(await after.load('run')).toEqual([
      { step: 1, values: { a: 1 } },
      { step: 2, values: { a: 2, b: 3 } },
    ]);
  });
});
