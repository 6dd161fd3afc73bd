/**
 * Labels as they go wrong: reversed by carelessness or malice, or given by someone who looks at one thing alone. For
 * lessons; nothing else should want it.
 *
 *   reversed         the worst reply is called the best
 *   longest first    length bias: Singhal et al. 2023 (arXiv:2310.03716)
 *   shortest first   one labeler, who is in a hurry
 */
import type { SPOILED_LABELS } from '../config';
import { uniform } from '../ops/counterRandom';
import type { Ranking } from '../session/protocol';

export type SpoiledLabels = (typeof SPOILED_LABELS)[number];

/**
 * @param share 0 to 1 of the rankings, chosen by the seed
 * @returns as many rankings as came, in their order
 */
export function spoilLabels(
  rankings: readonly Ranking[],
  how: SpoiledLabels,
  share: number,
  seed: number,
): readonly Ranking[] {
  if (how === 'none' || share === 0) return rankings;
  return rankings.map((ranking, i) => {
    if (uniform(seed, 0x5b01, i, 0) >= share) return ranking;
    // How strong the right preferences were says nothing of the wrong ones.
    const { gaps: _, ...rest } = ranking;
    return { ...rest, ranks: ranksBy(valuesOf(ranking, how)) };
  });
}

/** What each reply is worth to a labeler who is spoiled so. */
function valuesOf({ ranks, replies }: Ranking, how: Exclude<SpoiledLabels, 'none'>): readonly number[] {
  if (how === 'reversed') return ranks;
  return replies.map(({ length }) => (how === 'longest first' ? length : -length));
}

/** Ranks as in `Ranking`: 1 is best, equal values share one. */
const ranksBy = (values: readonly number[]): number[] =>
  values.map((own) => 1 + values.filter((other) => other > own).length);
