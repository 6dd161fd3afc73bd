import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blindOrder } from './blindOrder';
import {
  bestReply,
  emptyRanks,
  finishedRanks,
  fromGroups,
  gapAfter,
  isComplete,
  keepGaps,
  moveTo,
  nextFreeRank,
  setRank,
  settle,
  step,
  tieGroups,
  toggleGap,
  toggleTie,
} from './rankOrder';
import type { RankState } from './rankOrder';

const blank = (count = 4): RankState => emptyRanks(Array.from({ length: count }, (_, index) => index));

const states = fc
  .integer({ min: 2, max: 6 })
  .chain((count) =>
    fc.record({
      seed: fc.nat(),
      ranks: fc.array(fc.option(fc.integer({ min: 1, max: count })), { minLength: count, maxLength: count }),
    }),
  )
  .map(({ seed, ranks }): RankState => ({ ranks, order: blindOrder(ranks.length, seed) }));

describe('typed ranks', () => {
  it('stay where they were typed until the list is settled, then sort the page with ties kept', () => {
    let state = blank();
    for (const [reply, rank] of [2, 1, 1, 4].entries()) state = setRank(state, reply, rank);
    expect(state.order).toEqual([0, 1, 2, 3]);
    expect(settle(state)).toEqual({ ranks: [3, 1, 1, 4], order: [1, 2, 0, 3] });
  });

  it('count the replies that were left out as tied behind the rest', () => {
    expect(finishedRanks(setRank(blank(), 2, 1))).toEqual([2, 2, 1, 2]);
  });

  it('give the next tap the next free place', () => {
    expect(nextFreeRank(setRank(blank(), 3, 1))).toBe(2);
  });
});

describe('moves', () => {
  it('step a reply past its neighbour and rank every reply', () => {
    expect(step(blank(), 2, -1)).toEqual({ ranks: [1, 3, 2, 4], order: [0, 2, 1, 3] });
  });

  it('take a reply out of its tie before it passes anyone', () => {
    expect(tieGroups(step(fromGroups([[0, 1], [2], [3]]), 1, -1))).toEqual([[1], [0], [2], [3]]);
    expect(tieGroups(step(fromGroups([[0, 1], [2], [3]]), 0, 1))).toEqual([[1], [0], [2], [3]]);
  });

  it('tie with the reply above, and the first with the one below', () => {
    expect(toggleTie(fromGroups([[0], [1], [2]]), 1).ranks).toEqual([1, 1, 3]);
    expect(toggleTie(fromGroups([[0], [1], [2]]), 0).ranks).toEqual([1, 1, 3]);
  });

  it('dropped between two tied replies join the tie', () => {
    expect(moveTo(fromGroups([[0, 1], [2], [3]]), 3, 1).ranks).toEqual([1, 1, 4, 1]);
  });

  it('keep every reply exactly once, whatever is done', () => {
    fc.assert(
      fc.property(states, fc.nat(5), fc.nat(6), (state, reply, place) => {
        const target = reply % state.ranks.length;
        for (const next of [
          step(state, target, -1),
          step(state, target, 1),
          toggleTie(state, target),
          moveTo(state, target, place),
        ]) {
          expect([...next.order].sort()).toEqual(state.order.map((_, index) => index));
          expect(isComplete(next)).toBe(true);
        }
      }),
    );
  });

  it('put a reply where it was dropped when nothing is tied', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.nat(5), fc.nat(5), (count, reply, place) => {
        const next = moveTo(fromGroups(blank(count).order.map((one) => [one])), reply % count, place % count);
        expect(next.order[place % count]).toBe(reply % count);
      }),
    );
  });

  it('a tie undone is the tie before it, up to order', () => {
    fc.assert(
      fc.property(states, fc.nat(5), (state, reply) => {
        const target = reply % state.ranks.length;
        const singles = fromGroups(state.order.map((one) => [one]));
        expect(isComplete(toggleTie(toggleTie(singles, target), target))).toBe(true);
        expect(new Set(toggleTie(toggleTie(singles, target), target).ranks).size).toBe(state.ranks.length);
      }),
    );
  });
});

describe('the end of a ranking', () => {
  it('sends the best reply on into the conversation, of tied ones the first on the page', () => {
    expect(bestReply({ ranks: [2, 1, 1, null], order: [3, 2, 1, 0] })).toBe(2);
  });

  it('settling never changes which reply beats which', () => {
    fc.assert(
      fc.property(states, (state) => {
        const before = finishedRanks(state);
        const after = finishedRanks(settle(state));
        for (const a of before.keys()) {
          for (const b of before.keys()) {
            expect(Math.sign((after[a] ?? 0) - (after[b] ?? 0))).toBe(Math.sign((before[a] ?? 0) - (before[b] ?? 0)));
          }
        }
      }),
    );
  });
});

describe('thumbs of replies without a rank', () => {
  it('order them among themselves, up before none before down, behind all that have a rank', () => {
    const ranked = setRank(blank(), 3, 1);
    expect(finishedRanks(ranked, ['down', 'up', null, 'down'])).toEqual([4, 2, 3, 1]);
    expect(finishedRanks(blank(), ['down', 'up', 'down', 'up'])).toEqual([2, 1, 2, 1]);
    expect(finishedRanks(blank(), [null, null, 'up', null])).toEqual([2, 2, 1, 2]);
    expect(bestReply(blank(), [null, 'up', null, 'down'])).toBe(1);
  });

  it('change no order that ranks gave, and put none behind more than it was without them', () => {
    const thumb = fc.constantFrom('up', 'down', null);
    fc.assert(
      fc.property(states, fc.array(thumb, { minLength: 6, maxLength: 6 }), (state, thumbs) => {
        const [before, after] = [finishedRanks(state), finishedRanks(state, thumbs)];
        for (const [i, rank] of state.ranks.entries()) {
          for (const [j, other] of state.ranks.entries()) {
            const was = Math.sign(before[i]! - before[j]!);
            const now = Math.sign(after[i]! - after[j]!);
            if (rank !== null || other !== null || thumbs[i] === thumbs[j]) expect(now).toBe(was);
            else if (thumbs[i] === 'up' || thumbs[j] === 'down') expect(now).toBe(-1);
          }
        }
      }),
    );
  });
});

describe('how strong a preference is', () => {
  const all = (...groups: number[][]): RankState => fromGroups(groups);

  it('is said of a step between two groups, once all have a rank, and taken back', () => {
    const state = toggleGap(all([0, 1], [2], [3]), 1);
    expect(state.gaps).toEqual([2, 1]);
    expect([0, 1, 2, 3].map((reply) => gapAfter(state, reply))).toEqual([2, 2, 1, null]);
    expect(toggleGap(state, 0).gaps).toBeUndefined();
    expect(toggleGap(state, 3)).toEqual(state);
    const begun = setRank(blank(), 0, 1);
    expect(toggleGap(begun, 0)).toEqual(begun);
  });

  it('stays with the replies that it was said of when others move, and goes where it was said of none', () => {
    const state = toggleGap(all([0], [1], [2], [3]), 1); // 0 > 1 >> 2 > 3
    const gaps = (next: RankState): number[] | undefined => keepGaps(state, next).gaps;
    expect(gaps(step(state, 0, 1))).toEqual([1, 2, 1]); // 1 > 0 >> 2 > 3
    expect(gaps(step(state, 3, -1))).toEqual([1, 2, 1]);
    expect(gaps(step(state, 1, 1))).toBeUndefined(); // 0 > 2 > 1 > 3
    expect(gaps(moveTo(state, 1, 0))).toEqual([1, 2, 1]);
    expect(gaps(toggleTie(state, 1))).toEqual([2, 1]); // 0 = 1 >> 2 > 3
    expect(gaps(toggleTie(state, 2))).toBeUndefined(); // 0 > 1 = 2 > 3
    expect(gaps(setRank(state, 2, 9))).toEqual([1, 2, 1]); // 0 > 1 >> 3 > 2
    expect(gaps(setRank(state, 2, null))).toBeUndefined();
    const far = toggleGap(state, 2); // 0 > 1 >> 2 >> 3
    expect(keepGaps(far, moveTo(far, 2, 0)).gaps).toEqual([1, 1, 2]); // 2 > 0 > 1 >> 3, over two wide steps
  });

  it('is never claimed of two replies of which it was not said, whatever is done', () => {
    const changes = fc.record({ kind: fc.nat(4), reply: fc.nat(5), place: fc.nat(5) });
    fc.assert(
      fc.property(
        states,
        fc.array(fc.nat(5), { maxLength: 3 }),
        fc.array(changes, { maxLength: 3 }),
        (any, wide, list) => {
          const count = any.ranks.length;
          let state = fromGroups(tieGroups(any));
          for (const reply of wide) state = toggleGap(state, reply % count);
          for (const { kind, reply: number, place } of list) {
            const reply = number % count;
            const next = [
              step(state, reply, -1),
              step(state, reply, 1),
              toggleTie(state, reply),
              moveTo(state, reply, place),
              setRank(state, reply, 1 + (place % count)),
            ][kind] as RankState;
            const kept = keepGaps(state, next);
            const [was, now] = [muchBetter(state), muchBetter(kept)];
            for (const pair of now) expect(was).toContain(pair);
            const distinct = new Set(kept.ranks).size;
            if (kept.gaps) expect(kept.gaps).toHaveLength(distinct - 1);
            expect({ ranks: kept.ranks, order: kept.order }).toEqual({ ranks: next.ranks, order: next.order });
            state = kept;
          }
          expect(keepGaps(state, settle(state)).gaps).toEqual(state.gaps);
        },
      ),
    );
  });

  /** Pairs of replies with a wide step between them, better first. */
  function muchBetter(state: RankState): string[] {
    const groups = tieGroups(state);
    return groups.flatMap((group, at) =>
      groups.slice(at + 1).flatMap((worse, more) => {
        const between = (state.gaps ?? []).slice(at, at + more + 1);
        return between.some((gap) => gap > 1) ? group.flatMap((a) => worse.map((b) => `${a} ${b}`)) : [];
      }),
    );
  }
});

describe('blindOrder', () => {
  it('is a permutation, the same for the same seed', () => {
    fc.assert(
      fc.property(fc.nat(9), fc.nat(), (count, seed) => {
        const order = blindOrder(count, seed);
        expect([...order].sort((a, b) => a - b)).toEqual(order.map((_, index) => index));
        expect(blindOrder(count, seed)).toEqual(order);
      }),
    );
  });

  it('puts each reply first about equally often', () => {
    const first = [0, 0, 0, 0];
    for (let seed = 0; seed < 4000; seed++) {
      const reply = blindOrder(4, seed)[0] ?? 0;
      first[reply] = (first[reply] ?? 0) + 1;
    }
    for (const count of first) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});
