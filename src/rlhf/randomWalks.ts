/**
 * Random walks: a task with a known best, for comparing methods. Find the goal of a directed graph by the shortest way,
 * having seen random walks alone.
 * trlX (CarperAI), `examples/randomwalks`; after Chen et al. 2021 (Decision Transformer, arXiv:2106.01345), appendix A:
 * 21 nodes, an edge with a chance of 0.1, walks of at most 10 nodes, 1,000 of them to learn from, node 0 the goal.
 *
 * A walk is a prompt, its first node, and a reply, the nodes after it; the goal is the stop token.
 */
import type { ModelShape } from '../config';
import { hash4, uniform } from '../ops/counterRandom';
import type { TokenisedExample } from './sft';

export const NODES = 21;
export const GOAL = 0;
/** Nodes of a walk at most, the first one included. */
export const LONGEST_WALK = 10;
const EDGE_CHANCE = 0.1;
/** Not a node; fills rows. */
export const NO_NODE = NODES;
export const WALKER: ModelShape = { layers: 2, width: 64, heads: 2, context: 12, vocabulary: NODES + 1 };

export interface Graph {
  /** Where one can go from each node, ascending; from the goal nowhere. */
  next: readonly (readonly number[])[];
  /** Nodes of the shortest walk from each node to the goal, both included; `LONGEST_WALK` where there is none as short. */
  shortest: readonly number[];
}

/** Streams of random numbers. */
const [EDGES, STARTS, TURNS] = [0, 1, 2];

/** The same for the same seed; from every node one can go somewhere. */
export function randomGraph(seed: number): Graph {
  for (let attempt = 0; ; attempt++) {
    const next = Array.from({ length: NODES }, (_, from) =>
      Array.from({ length: NODES }, (_unused, to) => to).filter(
        (to) => to !== from && uniform(seed + attempt, EDGES, from, to) < EDGE_CHANCE,
      ),
    );
    if (next.some((nodes, from) => from !== GOAL && nodes.length === 0)) continue;
    next[GOAL] = [];
    return { next, shortest: shortestWalks(next) };
  }
}

/** Breadth first, backwards from the goal. */
function shortestWalks(next: readonly (readonly number[])[]): number[] {
  const shortest: number[] = next.map((_, node) => (node === GOAL ? 1 : LONGEST_WALK));
  for (let length = 2; length <= LONGEST_WALK; length++) {
    next.forEach((nodes, from) => {
      if (from !== GOAL && nodes.some((to) => shortest[to] === length - 1))
        shortest[from] = Math.min(shortest[from] as number, length);
    });
  }
  return shortest;
}

/** Walks from random nodes that turn at random until they reach the goal or are long enough. */
export function randomWalks({ next }: Graph, count: number, seed: number): TokenisedExample[] {
  return Array.from({ length: count }, (_, walk) => {
    const start = 1 + (hash4(seed, STARTS, walk, 0) % (NODES - 1));
    const response: number[] = [];
    for (let node = start; node !== GOAL && response.length < LONGEST_WALK - 1;) {
      const ways = next[node] as readonly number[];
      node = ways[hash4(seed, TURNS, walk, response.length) % ways.length] as number;
      response.push(node);
    }
    return { prompt: [start], response };
  });
}

/**
 * How near to the shortest walk from its first node a walk is: 1 for the shortest, 0 for one that is as long as can be,
 * does not reach the goal, or goes where there is no edge.
 * @param response the nodes after the first
 */
export function optimality({ next, shortest }: Graph, start: number, response: readonly number[]): number {
  let node = start;
  for (const [i, to] of response.entries()) {
    if (!(next[node] ?? []).includes(to)) return 0;
    node = to;
    if (node === GOAL) return (LONGEST_WALK - (i + 2)) / (LONGEST_WALK - (shortest[start] as number));
  }
  return 0;
}

/** Nodes from which the goal can be reached by a walk that is not the longest: from others every walk is worth nothing. */
export const startNodes = ({ shortest }: Graph): number[] =>
  shortest.flatMap((length, node) => (node !== GOAL && length < LONGEST_WALK ? [node] : []));
