import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors';
import { type Batch, padBatch, padPrompts, selectRows } from './batch';

const PAD = 1;
const tokens = (maxLength: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 2, max: 500 }), { minLength: 1, maxLength });
const rows = fc.array(fc.tuple(tokens(9), tokens(7)), { minLength: 1, maxLength: 6 });
const batchOf = (pairs: [number[], number[]][]): Batch =>
  padBatch(
    pairs.map(([prompt]) => prompt),
    pairs.map(([, response]) => response),
    PAD,
    16,
  );

/** Reads a row back through its start and its mask. */
function rowOf({ ids, start, responseMask, promptLength, responseLength }: Batch, row: number): [number[], number[]] {
  const length = promptLength + responseLength;
  const own = [...ids.subarray(row * length, (row + 1) * length)];
  const mask = [...responseMask.subarray(row * responseLength, (row + 1) * responseLength)];
  return [own.slice(start[row], promptLength), own.slice(promptLength).filter((_, t) => mask[t] === 1)];
}

describe('padBatch', () => {
  it('loses no token: every prompt ends at P, every response begins there, and the rest is padding', () =>
    fc.assert(
      fc.property(rows, (pairs) => {
        const batch = batchOf(pairs);
        expect(pairs.map((_, row) => rowOf(batch, row))).toEqual(pairs);
        const real = pairs.flat(2).length;
        expect(batch.ids.filter((id) => id !== PAD).length).toBe(real);
        expect(batch.ids.length).toBe(batch.rows * (batch.promptLength + batch.responseLength));
      }),
    ));

  it('masks a run of ones that begins with the response', () =>
    fc.assert(
      fc.property(rows, (pairs) => {
        const { responseMask, responseLength } = batchOf(pairs);
        pairs.forEach(([, response], row) => {
          const mask = [...responseMask.subarray(row * responseLength, (row + 1) * responseLength)];
          expect(mask).toEqual(mask.map((_, t) => (t < response.length ? 1 : 0)));
        });
      }),
    ));

  it('is as narrow as its longest prompt and its longest response', () => {
    const batch = batchOf([
      [[2, 3, 4], [5]],
      [[2], [6, 7]],
    ]);
    expect([batch.promptLength, batch.responseLength]).toEqual([3, 2]);
    expect([...batch.start]).toEqual([0, 2]);
    expect([...batch.ids]).toEqual([2, 3, 4, 5, PAD, PAD, PAD, 2, 6, 7]);
  });

  it('refuses what does not fit the context, and takes what just fits', () => {
    expect(() => padBatch([[2, 3]], [[4, 5, 6]], PAD, 4)).toThrow(InputError);
    expect(padBatch([[2, 3]], [[4, 5, 6]], PAD, 5).ids).toEqual(Int32Array.of(2, 3, 4, 5, 6));
    // The longest prompt and the longest response count, also of different rows.
    expect(() => padBatch([[2, 3, 4], [2]], [[5], [6, 7, 8]], PAD, 5)).toThrow(InputError);
  });
});

describe('padPrompts', () => {
  it('lays prompts as padBatch does', () =>
    fc.assert(
      fc.property(rows, (pairs) => {
        const { ids, start, promptLength } = padPrompts(
          pairs.map(([prompt]) => prompt),
          PAD,
        );
        const batch = batchOf(pairs);
        expect([promptLength, [...start]]).toEqual([batch.promptLength, [...batch.start]]);
        pairs.forEach(([prompt], row) => {
          expect([...ids.subarray((row + 1) * promptLength - prompt.length, (row + 1) * promptLength)]).toEqual(prompt);
        });
      }),
    ));
});

describe('selectRows', () => {
  it('takes the rows asked for, in that order, repeated where asked, with the widths as they were', () =>
    fc.assert(
      fc.property(rows, fc.array(fc.nat(), { minLength: 1, maxLength: 8 }), (pairs, picks) => {
        const order = picks.map((pick) => pick % pairs.length);
        const batch = batchOf(pairs);
        const selected = selectRows(batch, order);
        expect(order.map((_, i) => rowOf(selected, i))).toEqual(order.map((row) => pairs[row]));
        expect(selected.rows).toBe(order.length);
        expect([selected.promptLength, selected.responseLength]).toEqual([batch.promptLength, batch.responseLength]);
      }),
    ));

  it('of all rows in their order is the batch', () =>
    fc.assert(
      fc.property(rows, (pairs) => {
        const batch = batchOf(pairs);
        expect(selectRows(batch, [...pairs.keys()])).toEqual(batch);
      }),
    ));
});
