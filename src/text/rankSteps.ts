/**
 * How far apart a ranking puts its replies: in steps between neighbouring ranks, each 1 unless it was said to be more.
 * Llama 2 (Touvron et al. 2023, arXiv:2307.09288), section 3.2.2: a margin by the strength of a preference.
 */

/** What a step counts that a labeler calls much better; a step that is only better counts 1. */
export const MUCH_BETTER = 2;

/**
 * The steps that each reply is behind the best: 0 for the best, and equal for replies that tie.
 *
 * Ranks 1, 1, 3 are one step apart, as 1, 1, 2 would be: numbers need not be consecutive.
 *
 * @param ranks [K], 1 is best
 * @param gaps what each step between neighbouring distinct ranks counts, best to worst; every step counts 1 where there
 *   are none, or not as many as there are steps
 * @returns [K]
 */
export function stepsBehindBest(ranks: readonly number[], gaps?: readonly number[]): number[] {
  const distinct = [...new Set(ranks)].sort((a, b) => a - b);
  const given = gaps?.length === distinct.length - 1 ? gaps : undefined;
  let behind = 0;
  const steps = new Map(distinct.map((rank, place) => [rank, (behind += place === 0 ? 0 : (given?.[place - 1] ?? 1))]));
  return ranks.map((rank) => steps.get(rank) as number);
}
