/**
 * Which rankings to ask for: those about whose order several reward models disagree most.
 * Query by committee (Seung et al. 1992); for reward models Christiano et al. 2017, section 2.2.4.
 */

/**
 * How far the members are from one order of the replies of a ranking: the mean over its pairs of the variance, over the
 * members, of sigmoid(r_i - r_j).
 *
 * @param members one list of K scores each
 * @returns 0 where all agree, at most 0.25
 */
export function dispute(members: readonly ArrayLike<number>[]): number {
  const K = members[0]?.length ?? 0;
  let sum = 0;
  let pairs = 0;
  for (let i = 0; i < K; i++) {
    for (let j = i + 1; j < K; j++) {
      const chances = members.map((own) => 1 / (1 + Math.exp((own[j] as number) - (own[i] as number))));
      const mean = chances.reduce((total, chance) => total + chance, 0) / chances.length;
      sum += chances.reduce((total, chance) => total + (chance - mean) ** 2, 0) / chances.length;
      pairs++;
    }
  }
  return pairs > 0 ? sum / pairs : 0;
}

/**
 * @param sizes replies of each ranking, side by side in the scores
 * @param scores of all replies, one list a member
 * @returns places of the rankings, the most disputed first; of equal ones the first
 */
export function mostDisputed(sizes: readonly number[], scores: readonly Float32Array[], count: number): number[] {
  let at = 0;
  const disputes = sizes.map((size) => {
    const own = scores.map((member) => member.subarray(at, at + size));
    at += size;
    return dispute(own);
  });
  return [...disputes.keys()]
    .sort((one, other) => (disputes[other] as number) - (disputes[one] as number) || one - other)
    .slice(0, count);
}
