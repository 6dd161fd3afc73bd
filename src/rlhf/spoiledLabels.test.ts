import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ranking } from '../session/protocol';
import { spoilLabels } from './spoiledLabels';

const ranking = (replies: string[], ranks: number[], id = 'one'): Ranking => ({
  id,
  conversation: [{ role: 'user', text: 'Where is the boat?' }],
  replies,
  ranks,
  labeler: 'person',
});
const given = ranking(['In the harbour.', 'No.', 'By the steps, I think.'], [1, 3, 2]);

describe('spoiled labels', () => {
  it('are turned around, or ordered by length either way', () => {
    const ranksOf = (how: Parameters<typeof spoilLabels>[1]) => spoilLabels([given], how, 1, 1)[0]?.ranks;
    expect(ranksOf('none')).toEqual([1, 3, 2]);
    expect(ranksOf('reversed')).toEqual([3, 1, 2]);
    expect(ranksOf('longest first')).toEqual([2, 3, 1]);
    expect(ranksOf('shortest first')).toEqual([2, 1, 3]);
  });

  it('keep ties, and the words, whoever spoils them', () => {
    const tied = spoilLabels([ranking(['a', 'b', 'cc'], [1, 1, 3])], 'reversed', 1, 1)[0] as Ranking;
    expect(tied.ranks).toEqual([2, 2, 1]);
    expect(tied.replies).toEqual(['a', 'b', 'cc']);
  });

  it('lose how strong the right preferences were', () => {
    const strong = { ...given, gaps: [2, 1] };
    expect(spoilLabels([strong], 'longest first', 1, 1)[0]).not.toHaveProperty('gaps');
    expect(spoilLabels([strong], 'none', 1, 1)).toEqual([strong]);
  });

  it('are about the share that was asked for, the same for the same seed', () => {
    const many = Array.from({ length: 400 }, (_, i) => ranking(['a', 'bb'], [1, 2], String(i)));
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(), (share, seed) => {
        const spoiled = spoilLabels(many, 'reversed', share, seed);
        const count = spoiled.filter(({ ranks }) => ranks[0] === 2).length;
        expect(Math.abs(count / 400 - share)).toBeLessThan(0.13); // over five standard deviations
        expect(spoilLabels(many, 'reversed', share, seed)).toEqual(spoiled);
      }),
      { numRuns: 40 },
    );
  });
});
