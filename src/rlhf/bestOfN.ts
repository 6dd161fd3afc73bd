/**
 * What choosing the best of n samples by a reward can do at most.
 *
 * Beirami et al. 2024 (arXiv:2401.01879). Both are bounds, reached only where no two samples can tie: on a small
 * vocabulary the truth is lower.
 */

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
