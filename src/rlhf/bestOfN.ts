/**
 * Choosing the best of n samples by a reward, and what that can do at most.
 *
 * Stiennon et al. 2020 (arXiv:2009.01325), where the KL is written as if it were exact, as in most of what followed
 * (WebGPT, Nakano et al. 2021, arXiv:2112.09332, chooses so instead of by reinforcement learning). That both are bounds:
 * Beirami et al. 2024 (arXiv:2401.01879). They are reached only where no two samples can tie: on a small vocabulary the
 * truth is lower.
 */

/**
 * The places of samples, best first; of equal ones the first.
 *
 * @param scores [n], finite
 */
export function bestFirst(scores: ArrayLike<number>): number[] {
  const score = (place: number): number => scores[place] as number;
  return Array.from(scores, (_, place) => place).sort((a, b) => score(b) - score(a));
}

/**
 * Upper bound on the KL of the best-of-n policy against the one that it samples from: log n - (n - 1) / n.
 *
 * @param n samples, >= 1
 * @returns nats a response; 0 for n = 1
 */
export function bestOfNKlBound(n: number): number {
  return Math.log(n) - (n - 1) / n;
}

/**
 * Upper bound on the win rate of the best-of-n policy against the one that it samples from: n / (n + 1).
 *
 * @param n samples, >= 1
 * @returns 0.5 for n = 1, below 1
 */
export function bestOfNWinRateBound(n: number): number {
  return n / (n + 1);
}
