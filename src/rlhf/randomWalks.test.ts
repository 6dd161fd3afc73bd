import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GOAL, LONGEST_WALK, NODES, optimality, randomGraph, randomWalks, startNodes } from './randomWalks';

const SEEDS = fc.integer({ min: 0, max: 1e6 });

describe('random walks', () => {
  it('go along edges, from a node that is not the goal, and end at the goal or when they are long enough', () =>
    fc.assert(
      fc.property(SEEDS, (seed) => {
        const graph = randomGraph(seed);
        for (const { prompt, response } of randomWalks(graph, 20, seed)) {
          const walk = [...prompt, ...response];
          expect(prompt[0]).not.toBe(GOAL);
          walk.slice(1).forEach((to, i) => expect(graph.next[walk[i] as number]).toContain(to));
          expect(walk.indexOf(GOAL) === walk.length - 1 || walk.length === LONGEST_WALK).toBe(true);
        }
      }),
      { numRuns: 30 },
    ));

  it('are worth 1 where they are as short as can be, as breadth-first search over all walks says', () =>
    fc.assert(
      fc.property(SEEDS, (seed) => {
        const graph = randomGraph(seed);
        for (const start of startNodes(graph)) {
          let walks = [[start]];
          while (!walks.some((walk) => walk.at(-1) === GOAL))
            walks = walks.flatMap((walk) => (graph.next[walk.at(-1) as number] ?? []).map((to) => [...walk, to]));
          const best = walks.find((walk) => walk.at(-1) === GOAL) as number[];
          expect(best.length).toBe(graph.shortest[start]);
          expect(optimality(graph, start, best.slice(1))).toBe(1);
        }
      }),
      { numRuns: 20 },
    ));

  it('are worth nothing where they go astray, and less than 1 where they take a roundabout way', () => {
    const next = [[], [0, 2], [1], ...Array.from({ length: NODES - 3 }, () => [1])];
    const graph = { next, shortest: [1, 2, 3, ...Array.from({ length: NODES - 3 }, () => 3)] };
    expect(optimality(graph, 1, [0])).toBe(1);
    expect(optimality(graph, 1, [2, 1, 0])).toBe(6 / 8);
    expect(optimality(graph, 1, [2, 0])).toBe(0);
    expect(optimality(graph, 1, [2, 1, 2])).toBe(0);
    expect(optimality(graph, 1, [])).toBe(0);
    expect(optimality(graph, 1, [NODES])).toBe(0);
  });

  it('are the same for the same seed', () => {
    expect(randomWalks(randomGraph(3), 50, 4)).toEqual(randomWalks(randomGraph(3), 50, 4));
    expect(randomWalks(randomGraph(3), 50, 5)).not.toEqual(randomWalks(randomGraph(3), 50, 4));
  });
});
