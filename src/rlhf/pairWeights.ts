/**
 * From a person's ranking to what the ranking loss sums over. Plain arrays on the host.
 *
 * Letters: G rankings in a batch, K replies of a prompt. Ranks: 1 is best, equal ranks are a tie, numbers need not be
 * consecutive.
 */
import { ShapeError } from '../errors';

/** What a tie teaches: nothing, or that both are equally good (half a win for each). */
export type TieRule = 'drop' | 'half';

/**
 * How much each ordered pair of a ranking counts.
 *
 * w[i][j] = 1 / pairs where reply i is better than reply j; 1 / (2 · pairs) both ways where they tie and ties count
 * half; 0 elsewhere. So a ranking's weights sum to 1, however many replies it has.
 *
 * InstructGPT, equation 1, where 1 / pairs is 1 / C(K, 2); it has no ties.
 *
 * @param ranks [K]
 * @returns [K, K] row-major, better reply first; all 0 if no pair is left (all tied and ties dropped)
 */
export function pairWeights(ranks: readonly number[], ties: TieRule = 'drop'): Float32Array {
  const K = ranks.length;
  const weights = new Float32Array(K * K);
  let pairs = 0;
  for (let i = 0; i < K; i++) {
    for (let j = i + 1; j < K; j++) {
      const better = ranks[i]! < ranks[j]!;
      const tied = ranks[i] === ranks[j];
      if (tied && ties === 'drop') continue;
      weights[i * K + j] = tied ? 0.5 : better ? 1 : 0;
      weights[j * K + i] = tied ? 0.5 : better ? 0 : 1;
      pairs++;
    }
  }
  return pairs > 0 ? weights.map((weight) => weight / pairs) : weights;
}

/**
 * The pair weights of a batch of rankings, those with fewer than K replies padded with replies that count nothing.
 *
 * @param rankings G lists of at most K ranks
 * @param K replies a row of the batch holds
 * @returns [G, K, K] row-major
 * @throws ShapeError if a ranking has more than K replies
 */
export function batchPairWeights(
  rankings: readonly (readonly number[])[],
  K: number,
  ties: TieRule = 'drop',
): Float32Array {
  const weights = new Float32Array(rankings.length * K * K);
  rankings.forEach((ranks, g) => {
    if (ranks.length > K) throw new ShapeError('batchPairWeights', `at most ${K} replies a ranking`, `${ranks.length}`);
    const own = pairWeights(ranks, ties);
    for (let i = 0; i < ranks.length; i++) {
      weights.set(own.subarray(i * ranks.length, (i + 1) * ranks.length), (g * K + i) * K);
    }
  });
  return weights;
}

export interface PairAccuracy {
  /** Pairs that the labeler ordered; ties are left out. */
  pairs: number;
  /** Share of them that the rewards order alike, equal rewards counted half; null without pairs. */
  accuracy: number | null;
  /** Mean over them of reward of the better - reward of the worse; null without pairs. */
  margin: number | null;
}

/**
 * How often the reward model orders two replies as the labeler did.
 *
 * TRL's `accuracy` and `margin`, over all pairs of every ranking.
 *
 * @param rewards one list of K rewards a ranking
 * @param rankings the ranks of the same replies
 * @throws ShapeError if the lists do not match
 */
export function pairAccuracy(
  rewards: readonly ArrayLike<number>[],
  rankings: readonly (readonly number[])[],
): PairAccuracy {
  if (rewards.length !== rankings.length) {
    throw new ShapeError('pairAccuracy', `${rankings.length} lists of rewards`, `${rewards.length}`);
  }
  let pairs = 0;
  let right = 0;
  let margin = 0;
  rankings.forEach((ranks, g) => {
    const own = rewards[g]!;
    if (own.length !== ranks.length) throw new ShapeError('pairAccuracy', `${ranks.length} rewards`, `${own.length}`);
    for (let i = 0; i < ranks.length; i++) {
      for (let j = 0; j < ranks.length; j++) {
        if (!(ranks[i]! < ranks[j]!)) continue;
        const difference = own[i]! - own[j]!;
        pairs++;
        right += difference > 0 ? 1 : difference === 0 ? 0.5 : 0;
        margin += difference;
      }
    }
  });
  return { pairs, accuracy: pairs > 0 ? right / pairs : null, margin: pairs > 0 ? margin / pairs : null };
}
