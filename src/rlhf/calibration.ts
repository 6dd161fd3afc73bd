/**
 * Whether a reward model is as often right as it says it is: it takes the first of two replies to be better with a chance
 * of sigmoid(r_i - r_j). Guo et al. 2017 (arXiv:1706.04599), for pairs.
 */

export interface CalibrationBin {
  /** Mean chance that the model gave to the order it took for right, 0.5 to 1. */
  sure: number;
  /** Share of these pairs that it ordered as the labeler did. */
  right: number;
  pairs: number;
}

export interface Calibration {
  /** From the least sure to the surest; those without a pair are left out. */
  bins: CalibrationBin[];
  /** Expected calibration error: |sure - right|, mean over pairs. */
  error: number;
}

const BINS = 5;

/**
 * @param rewards one list of K raw rewards a ranking: on the scale that the loss was taken on
 * @param rankings the ranks of the same replies; ties are left out
 * @returns null without a pair
 */
export function calibration(
  rewards: readonly ArrayLike<number>[],
  rankings: readonly (readonly number[])[],
): Calibration | null {
  const sums = Array.from({ length: BINS }, () => ({ sure: 0, right: 0, pairs: 0 }));
  let pairs = 0;
  rankings.forEach((ranks, g) =>
    ranks.forEach((own, i) =>
      ranks.forEach((other, j) => {
        if (!(own < other)) return;
        const chance = 1 / (1 + Math.exp((rewards[g]![j] as number) - (rewards[g]![i] as number)));
        const sure = Math.max(chance, 1 - chance);
        const bin = sums[Math.min(BINS - 1, Math.floor((sure - 0.5) * 2 * BINS))]!;
        bin.sure += sure;
        bin.right += chance > 0.5 ? 1 : chance === 0.5 ? 0.5 : 0;
        bin.pairs++;
        pairs++;
      }),
    ),
  );
  if (pairs === 0) return null;
  const bins = sums.flatMap((bin) =>
    bin.pairs > 0 ? [{ sure: bin.sure / bin.pairs, right: bin.right / bin.pairs, pairs: bin.pairs }] : [],
  );
  return { bins, error: bins.reduce((sum, bin) => sum + bin.pairs * Math.abs(bin.sure - bin.right), 0) / pairs };
}
