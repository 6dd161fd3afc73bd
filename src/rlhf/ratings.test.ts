import { describe, expect, it } from 'vitest';
import { uniform } from '../ops/counterRandom';
import { type Duel, ratings } from './ratings';

const TRUE = [-1, -0.2, 0.3, 0.9];

/** Duels of all pairs, won as often as the true ratings say. */
function duelsOf(prompts: number, seed: number): Duel[] {
  return Array.from({ length: prompts }, (_, prompt) =>
    TRUE.flatMap((a, first) =>
      TRUE.slice(first + 1).map((b, k) => {
        const chance = 1 / (1 + Math.exp(b - a));
        const outcome = uniform(seed, prompt, first, k) < chance ? 1 : 0;
        return { prompt, first, second: first + 1 + k, outcome };
      }),
    ),
  ).flat();
}

describe('ratings from duels', () => {
  it('find the strengths that the duels were drawn from, within their intervals in nineteen of twenty cases', () => {
    let [inside, all] = [0, 0];
    for (let seed = 0; seed < 25; seed++) {
      for (const [model, { rating, low, high }] of ratings(duelsOf(150, seed), TRUE.length, seed, 100).entries()) {
        expect(Math.abs(rating - (TRUE[model] as number))).toBeLessThan(0.5);
        all += 1;
        inside += Number(low <= (TRUE[model] as number) && (TRUE[model] as number) <= high);
      }
    }
    expect(inside / all).toBeGreaterThan(0.85);
  });

  it('are surer the more duels there are, and sum to 0', () => {
    const width = (prompts: number): number => {
      const all = ratings(duelsOf(prompts, 1), TRUE.length, 1);
      expect(all.reduce((sum, { rating }) => sum + rating, 0)).toBeCloseTo(0, 6);
      return all.reduce((sum, { low, high }) => sum + high - low, 0);
    };
    expect(width(400)).toBeLessThan(0.7 * width(100));
  });

  it('stay finite where a model won everything', () => {
    const duels = Array.from({ length: 30 }, (_, prompt) => ({ prompt, first: 0, second: 1, outcome: 1 }));
    const [best, worst] = ratings(duels, 2, 1);
    expect(best!.rating).toBeGreaterThan(1);
    expect(Number.isFinite(best!.high)).toBe(true);
    expect(best!.rating).toBeCloseTo(-worst!.rating, 6);
  });
});
