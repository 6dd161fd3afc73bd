import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Write } from './database';
import { Overlay } from './overlay';
import type { MetricChunkRecord } from './schema';

const chunk = (runId: string, at: number, mark: number): MetricChunkRecord => ({
  runId,
  chunk: at,
  steps: [mark],
  columns: {},
});

const write: fc.Arbitrary<Write> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({ run: fc.constantFrom('a', 'b', 'aa'), at: fc.nat(11), mark: fc.nat() })
      .map(({ run, at, mark }): Write => ({ type: 'put', kind: 'metrics', record: chunk(run, at, mark) })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('a', 'b', 'aa'), fc.nat(11))
      .map((key): Write => ({ type: 'delete', kind: 'metrics', key })),
  },
  { weight: 1, arbitrary: fc.constant<Write>({ type: 'clear', kind: 'metrics' }) },
);

/** What a database holds after some writes, computed the plain way. */
function apply(writes: readonly Write[]): MetricChunkRecord[] {
  let records: MetricChunkRecord[] = [];
  const without = (runId: string, at: number) => records.filter((one) => one.runId !== runId || one.chunk !== at);
  for (const one of writes) {
    if (one.kind !== 'metrics') continue;
    if (one.type === 'clear') records = [];
    else if (one.type === 'delete') records = without(...one.key);
    else records = [...without(one.record.runId, one.record.chunk), one.record];
  }
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return records.sort((a, b) => order(a.runId, b.runId) || a.chunk - b.chunk);
}

describe('overlay', () => {
  it('reads, over what the disk has, as if every write had reached the disk', () => {
    fc.assert(
      fc.property(fc.array(write), fc.array(write), (onDisk, refused) => {
        const overlay = new Overlay();
        overlay.keep(refused);
        const all = apply([...onDisk, ...refused]);
        expect(overlay.merge('metrics', apply(onDisk))).toEqual(all);
        const ofA = (records: MetricChunkRecord[]) => records.filter(({ runId }) => runId === 'a');
        expect(overlay.merge('metrics', ofA(apply(onDisk)), 'a')).toEqual(ofA(all));
        for (const at of [0, 5]) {
          const seen = overlay.get('metrics', ['a', at]);
          const stored = apply(onDisk).find((one) => one.runId === 'a' && one.chunk === at);
          expect(seen.hides ? seen.record : stored).toEqual(all.find((one) => one.runId === 'a' && one.chunk === at));
        }
      }),
    );
  });

  it('brings the disk to the same state when its writes are done there', () => {
    fc.assert(
      fc.property(fc.array(write), fc.array(write), (onDisk, refused) => {
        const overlay = new Overlay();
        overlay.keep(refused);
        expect(apply([...onDisk, ...overlay.writes()])).toEqual(apply([...onDisk, ...refused]));
      }),
    );
  });
});
