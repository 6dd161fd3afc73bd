import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blindOrder } from './blindOrder';
import {
  bestReply,
  emptyRanks,
  finishedRanks,
  fromGroups,
  isComplete,
  moveTo,
  nextFreeRank,
  setRank,
  settle,
  step,
  tieGroups,
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
