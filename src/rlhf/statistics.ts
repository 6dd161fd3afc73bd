/** Agreement between orderings and labelers, and ratings from duels. Plain numbers on the host. */
import { InputError, ShapeError } from '../errors';

/**
 * Kendall's tau-b: how far two orderings of the same things agree, ties allowed for.
 *
 * tau = (concordant - discordant) / sqrt((pairs - ties in a) (pairs - ties in b))
 *
 * Kendall 1945. Without ties it is tau-a, (concordant - discordant) / pairs.
 *
 * @param a [n] ranks or scores
 * @param b [n] in the same sense as `a`: negate scores to compare them with ranks, where 1 is best
 * @returns -1 (reversed) to 1 (alike); null where one of them is all ties or n < 2
 * @throws ShapeError if the lengths disagree
 */
export function kendallTau(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  if (a.length !== b.length) throw new ShapeError('kendallTau', `${a.length} values`, `${b.length}`);
  let agreement = 0;
  let untiedA = 0;
  let untiedB = 0;
  for (let i = 0; i < a.length; i++) {
    for (let j = i + 1; j < a.length; j++) {
      const signA = Math.sign(a[i]! - a[j]!);
      const signB = Math.sign(b[i]! - b[j]!);
      agreement += signA * signB;
      untiedA += Math.abs(signA);
      untiedB += Math.abs(signB);
    }
  }
  return untiedA > 0 && untiedB > 0 ? agreement / Math.sqrt(untiedA * untiedB) : null;
}

/**
 * Cohen's kappa: how often two labelers agree beyond what chance gives.
 *
 * kappa = (p_o - p_e) / (1 - p_e);  p_o observed agreement, p_e = Σ_k share_a(k) · share_b(k)
 *
 * Cohen 1960, unweighted.
 *
 * @param a [n] labels of one labeler
 * @param b [n] labels of the other
 * @returns at most 1, 0 for chance; null for no labels, or where both always gave the same one label
 * @throws ShapeError if the lengths disagree
 */
export function cohenKappa(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  const n = a.length;
  if (b.length !== n) throw new ShapeError('cohenKappa', `${n} labels`, `${b.length}`);
  const countsA = new Map<number, number>();
  const countsB = new Map<number, number>();
  let agreed = 0;
  for (let i = 0; i < n; i++) {
    if (a[i] === b[i]) agreed++;
    countsA.set(a[i]!, (countsA.get(a[i]!) ?? 0) + 1);
    countsB.set(b[i]!, (countsB.get(b[i]!) ?? 0) + 1);
  }
  // In counts, not shares: whole numbers make the test for "no room beyond chance" exact.
  let expected = 0;
  for (const [label, count] of countsA) expected += count * (countsB.get(label) ?? 0);
  return expected < n * n ? (agreed * n - expected) / (n * n - expected) : null;
}

/** Largest change of a log strength at which the ratings count as settled. */
const SETTLED = 1e-11;
const MOST_ROUNDS = 100_000;

/**
 * Bradley-Terry ratings: the strengths under which the duels seen are most likely.
 *
 * P(i beats j) = s_i / (s_i + s_j);  s_i ← wins_i / Σ_j (wins_ij + wins_ji) / (s_i + s_j)
 *
 * Bradley and Terry 1952, by Hunter's 2004 minorisation-maximisation.
 *
 * @param wins [n][n], wins[i][j] how often i beat j; a tie counts half to each; the diagonal is ignored
 * @returns [n] log strengths, which sum to 0; a difference of 1 means 73% of the duels
 * @throws InputError if some never lost to the rest or never won: then no finite rating is most likely
 */
export function bradleyTerryRatings(wins: readonly (readonly number[])[]): number[] {
  const n = wins.length;
  if (!everyoneBeatsEveryone(wins)) {
    throw new InputError(
      'Ratings need a chain of wins from each to each; some here never lost to the others, or never won.',
      'Compare them on more prompts.',
    );
  }
  let ratings = new Array<number>(n).fill(0);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const strengths = ratings.map(Math.exp);
    const updated = strengths.map((own, i) => {
      let won = 0;
      let expected = 0;
      strengths.forEach((other, j) => {
        if (j === i) return;
        won += wins[i]![j]!;
        expected += (wins[i]![j]! + wins[j]![i]!) / (own + other);
      });
      return Math.log(won / expected);
    });
    const mean = updated.reduce((sum, rating) => sum + rating, 0) / n;
    const centred = updated.map((rating) => rating - mean);
    const change = Math.max(...centred.map((rating, i) => Math.abs(rating - ratings[i]!)));
    ratings = centred;
    if (change < SETTLED) break;
  }
  return ratings;
}

/** Ford 1957: a finite maximum exists just where each reaches each over wins. From 0 along wins, and along losses. */
function everyoneBeatsEveryone(wins: readonly (readonly number[])[]): boolean {
  const n = wins.length;
  if (n < 2) return false;
  const reachedAll = (won: (from: number, to: number) => number): boolean => {
    const reached = new Set([0]);
    for (const from of reached) {
      for (let to = 0; to < n; to++) if (to !== from && won(from, to) > 0) reached.add(to);
    }
    return reached.size === n;
  };
  return reachedAll((from, to) => wins[from]![to]!) && reachedAll((from, to) => wins[to]![from]!);
}
