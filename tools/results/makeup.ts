/** What rankings are made of, by the truth of the town, so that two ways of choosing them can be told apart. */
import type { Ranking } from '../../src/session/protocol';
import { mean } from './townBench';

export interface Makeup {
  /** Mean difference in gold of two replies of one ranking. */
  goldGap: number;
  /** Share of pairs of which neither reply is better. */
  tied: number;
  /** Mean gold of all replies. */
  gold: number;
  /** Mean words of a reply. */
  words: number;
}

/** Null where no simulated labeler says what it gave each reply. */
export function makeupOf(rankings: readonly Ranking[]): Makeup | null {
  const gaps: number[] = [];
  const ties: number[] = [];
  const golds: number[] = [];
  for (const { ranks, judged } of rankings) {
    if (!judged) return null;
    const scores = judged.scores.map(({ score }) => score);
    golds.push(...scores);
    scores.forEach((score, i) =>
      scores.slice(i + 1).forEach((other, j) => {
        gaps.push(Math.abs(score - other));
        ties.push(ranks[i] === ranks[i + 1 + j] ? 1 : 0);
      }),
    );
  }
  const words = rankings.flatMap(({ replies }) => replies.map((reply) => reply.split(/\s+/).filter(Boolean).length));
  return { goldGap: mean(gaps), tied: mean(ties), gold: mean(golds), words: mean(words) };
}
