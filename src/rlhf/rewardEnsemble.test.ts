import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregated, disagreement, ensembleScorer } from './rewardEnsemble';

const SCORES = fc.float({ min: -100, max: 100, noNaN: true });
/** 1 to 5 models, 1 to 6 replies. */
const MEMBERS = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 6 }))
  .chain(([models, replies]) =>
    fc.array(fc.array(SCORES, { minLength: replies, maxLength: replies }), { minLength: models, maxLength: models }),
  )
  .map((all) => all.map((own) => Float32Array.from(own)));

describe('several reward models as one', () => {
  it('never score more than their mean by minimum or lower bound, and never less than the least of them by minimum', () =>
    fc.assert(
      fc.property(MEMBERS, (members) => {
        const [mean, minimum, bound] = (['mean', 'minimum', 'lower bound'] as const).map((how) =>
          aggregated(members, how),
        );
        mean!.forEach((average, b) => {
          expect(minimum![b]).toBeLessThanOrEqual(average + 1e-4);
          expect(bound![b]).toBeLessThanOrEqual(average + 1e-4);
          expect(minimum![b]).toBe(Math.min(...members.map((own) => own[b] as number)));
        });
      }),
    ));

  it('are what each of them is where all agree', () =>
    fc.assert(
      fc.property(fc.array(SCORES, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 5 }), (own, models) => {
        const members = Array.from({ length: models }, () => Float32Array.from(own));
        for (const how of ['mean', 'minimum', 'lower bound'] as const)
          aggregated(members, how).forEach((score, b) => expect(score).toBeCloseTo(own[b] as number, 3));
        disagreement(members).forEach((spread) => expect(spread).toBeCloseTo(0, 3));
      }),
    ));

  it('take off what the deviation costs', () => {
    const members = [Float32Array.of(1, 0), Float32Array.of(3, 0)];
    expect([...aggregated(members, 'lower bound', 2)]).toEqual([0, 0]);
    expect([...disagreement(members)]).toEqual([1, 0]);
  });

  it('ask every member', async () => {
    const scorer = ensembleScorer(
      [1, 2, 6].map((score) => () => Promise.resolve(Float32Array.of(score))),
      'mean',
    );
    expect([...(await scorer({ batch: { rows: 1 } as never, prompts: [[1]], responses: [[2]] }))]).toEqual([3]);
  });
});
