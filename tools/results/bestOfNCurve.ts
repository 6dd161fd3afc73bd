/**
 * Best of n from a pool of samples: what it gives in expectation, and how far it is from the policy that sampled, without
 * sampling anew for every n.
 */

/**
 * Expected value of the reply with the highest score among n that are drawn from a pool without replacement: the reply
 * of rank k (1 is worst) is chosen with probability C(k - 1, n - 1) / C(m, n). Replies of equal score share their ranks.
 *
 * @param scores [m] by which the best is chosen
 * @param values [m] what is averaged
 * @param n 1 to m
 */
export function expectedBest(scores: readonly number[], values: readonly number[], n: number): number {
  const m = scores.length;
  if (!(n >= 1 && n <= m)) throw new RangeError(`Expected n from 1 to ${m}, got ${n}.`);
  const order = [...scores.keys()].sort((a, b) => (scores[a] as number) - (scores[b] as number));
  // P(rank k) by its ratio to P(rank k - 1) = (k - 1) / (k - n), from P(rank n) = 1 / C(m, n).
  let chance = 1;
  for (let i = 0; i < n; i++) chance *= (n - i) / (m - i);
  const chances = new Float64Array(m);
  for (let k = n; k <= m; k++) {
    chances[k - 1] = chance;
    chance *= k / (k + 1 - n);
  }
  let sum = 0;
  for (let first = 0; first < m;) {
    let end = first + 1;
    while (end < m && scores[order[end] as number] === scores[order[first] as number]) end++;
    let share = 0;
    let total = 0;
    for (let i = first; i < end; i++) {
      share += chances[i] as number;
      total += values[order[i] as number] as number;
    }
    sum += (share * total) / (end - first);
    first = end;
  }
  return sum;
}

/**
 * KL of the best of n from the policy, taking the pool for the policy: replies that are the same are one.
 *
 *   p(best = y) = F(y)^n - F(y-)^n, shared by replies of equal score in proportion;   KL = Σ p(best = y) log p(best = y) / p(y)
 *
 * @param replies [m] by which replies are told apart
 * @returns nats, at most log n - (n - 1) / n
 */
export function poolKl(replies: readonly string[], scores: readonly number[], n: number): number {
  const m = replies.length;
  const counts = new Map<string, { score: number; count: number }>();
  replies.forEach((reply, i) => {
    const own = counts.get(reply) ?? { score: scores[i] as number, count: 0 };
    own.count++;
    counts.set(reply, own);
  });
  const byScore = new Map<number, number>();
  for (const { score, count } of counts.values()) byScore.set(score, (byScore.get(score) ?? 0) + count);
  let below = 0;
  let kl = 0;
  // Within a score every reply keeps its share, so the ratio is that of the score.
  for (const [, count] of [...byScore].sort(([a], [b]) => a - b)) {
    const best = ((below + count) / m) ** n - (below / m) ** n;
    if (best > 0) kl += best * Math.log((best * m) / count);
    below += count;
  }
  return kl;
}

/** Of each score, the share of the pool that it beats, ties and itself counting half. @param scores [m] */
export function standings(scores: readonly number[]): number[] {
  return scores.map(
    (own) => scores.reduce((sum, other) => sum + (own > other ? 1 : own === other ? 0.5 : 0), 0) / scores.length,
  );
}

/**
 * The most that the best of n can win over a sample from the same pool of m: n / (n + 1) where the pool is endless
 * (Beirami et al. 2024, arXiv:2401.01879). The best of n that are drawn without replacement has on average the rank
 * n (m + 1) / (n + 1), and rank k stands at (k - 1/2) / m; where scores tie it is less.
 *
 * @param n 1 to m
 */
export const poolWinRateBound = (n: number, m: number): number => (n * (m + 1)) / ((n + 1) * m) - 1 / (2 * m);
