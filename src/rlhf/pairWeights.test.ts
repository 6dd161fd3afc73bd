import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchPairWeights, pairAccuracy, pairWeights } from './pairWeights';

const ranks = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 6 });
const untied = (own: number[]): boolean => new Set(own).size > 1;
const sum = (values: Float32Array): number => values.reduce((total, value) => total + value, 0);

describe('pairWeights', () => {
  it('sum to 1 for every ranking that says anything', () =>
    fc.assert(
      fc.property(ranks, (own) => {
        expect(sum(pairWeights(own, 'half'))).toBeCloseTo(1, 6);
        expect(sum(pairWeights(own, 'drop'))).toBeCloseTo(untied(own) ? 1 : 0, 6);
      }),
    ));

  it('weigh better over worse alike, never worse over better, and ties both ways or not at all', () =>
    fc.assert(
      fc.property(ranks, fc.constantFrom('drop' as const, 'half' as const), (own, ties) => {
        const K = own.length;
        const weights = pairWeights(own, ties);
        const highest = Math.max(...weights);
        for (let i = 0; i < K; i++) {
          for (let j = 0; j < K; j++) {
            const weight = weights[i * K + j]!;
            if (i === j || own[i]! > own[j]!) expect(weight).toBe(0);
            else if (own[i]! < own[j]!) expect(weight).toBe(highest);
            else expect(weight).toBe(ties === 'drop' ? 0 : weights[j * K + i]);
          }
        }
      }),
    ));

  it('do not change when ranks are renumbered in the same order', () =>
    fc.assert(
      fc.property(ranks, (own) => {
        expect(pairWeights(own.map((rank) => 3 * rank - 7))).toEqual(pairWeights(own));
      }),
    ));
});

describe('batchPairWeights', () => {
  it('pad short rankings with replies that count nothing', () => {
    const weights = batchPairWeights(
      [
        [2, 1],
        [1, 2, 2],
      ],
      3,
    );
    expect(Array.from(weights)).toEqual([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0.5, 0.5, 0, 0, 0, 0, 0, 0]);
  });

  it('refuse a ranking that does not fit', () => {
    expect(() => batchPairWeights([[1, 2, 3]], 2)).toThrow('at most 2 replies');
  });
});

describe('pairAccuracy', () => {
  it('is 1 for rewards in the order of the ranks and 0 for the reverse, ties left out', () =>
    fc.assert(
      fc.property(fc.array(ranks, { minLength: 1, maxLength: 5 }), (rankings) => {
        const right = pairAccuracy(
          rankings.map((own) => own.map((r) => -r)),
          rankings,
        );
        const wrong = pairAccuracy(rankings, rankings);
        const pairs = rankings.reduce((n, own) => n + pairWeights(own).filter((weight) => weight > 0).length, 0);
        expect(right.pairs).toBe(pairs);
        expect(right.accuracy).toBe(pairs > 0 ? 1 : null);
        expect(wrong.accuracy).toBe(pairs > 0 ? 0 : null);
        if (pairs > 0) expect(right.margin).toBe(-wrong.margin!);
      }),
    ));

  it('is a half for a reward model that likes everything the same', () => {
    expect(pairAccuracy([[0, 0, 0]], [[1, 2, 3]])).toEqual({ pairs: 3, accuracy: 0.5, margin: 0 });
  });

  it('counts pairs, not rankings', () => {
    expect(
      pairAccuracy(
        [
          [3, 2, 1],
          [1, 2],
        ],
        [
          [1, 2, 3],
          [1, 2],
        ],
      ),
    ).toEqual({ pairs: 4, accuracy: 0.75, margin: 0.75 });
  });
});
