/**
 * What a ranking is while a person makes it: a rank (1 is best) or nothing for each reply, and the order on the page.
 *
 * Everything is by value: each operation returns a new `RankState`. Ranks follow the "1, 1, 3" convention of sports
 * (standard competition ranking) once a reply is moved; typed ranks may be any whole numbers until then.
 */
import type { ReplyThumb } from '../session/protocol';
import { MUCH_BETTER } from '../text/rankSteps';

export interface RankState {
  /** `ranks[i]` belongs to reply i; null: not ranked yet. */
  ranks: (number | null)[];
  /** `order[p]` is the reply at place p on the page. */
  order: number[];
  /** As in `Ranking`, of a complete one; absent: nothing was said of any step. */
  gaps?: number[];
}

export function emptyRanks(order: number[]): RankState {
  return { ranks: order.map(() => null), order };
}

/** Replies grouped by equal rank, best first; each reply without a rank stands alone at the end, in page order. */
export function tieGroups(state: RankState): number[][] {
  const byRank = new Map<number, number[]>();
  const unranked: number[][] = [];
  for (const reply of state.order) {
    const rank = state.ranks[reply] ?? null;
    if (rank === null) unranked.push([reply]);
    else byRank.set(rank, [...(byRank.get(rank) ?? []), reply]);
  }
  const ranked = [...byRank.entries()].sort(([a], [b]) => a - b).map(([, group]) => group);
  return [...ranked, ...unranked];
}

/** Ranks and page order that say exactly what the groups say: 1, 1, 3 … */
export function fromGroups(groups: readonly (readonly number[])[]): RankState {
  const order = groups.flat();
  const ranks: (number | null)[] = order.map(() => null);
  let place = 1;
  for (const group of groups) {
    for (const reply of group) ranks[reply] = place;
    place += group.length;
  }
  return { ranks, order };
}

export function isComplete(state: RankState): boolean {
  return state.ranks.length > 0 && state.ranks.every((rank) => rank !== null);
}

export function isBegun(state: RankState): boolean {
  return state.ranks.some((rank) => rank !== null);
}

/** Gives one reply a rank, or takes it away with null. The page order stays. */
export function setRank(state: RankState, reply: number, rank: number | null): RankState {
  return { ranks: state.ranks.map((old, index) => (index === reply ? rank : old)), order: state.order };
}

/** The lowest rank that nobody has: what the next tap gives. */
export function nextFreeRank(state: RankState): number {
  const ranked = state.ranks.filter((rank) => rank !== null).length;
  return Math.min(ranked + 1, state.ranks.length);
}

/** Sorts the page by rank, ties kept; ranks become 1, 1, 3 … when every reply has one. */
export function settle(state: RankState): RankState {
  const groups = tieGroups(state);
  return isComplete(state) ? fromGroups(groups) : { ranks: state.ranks, order: groups.flat() };
}

const groupOf = (groups: readonly number[][], reply: number): number =>
  groups.findIndex((group) => group.includes(reply));

/** One step better (-1) or worse (+1): out of its tie, or past the neighbouring group. Ranks all replies. */
export function step(state: RankState, reply: number, direction: -1 | 1): RankState {
  const groups = tieGroups(state);
  const at = groupOf(groups, reply);
  const group = groups[at];
  if (!group) return state;
  if (group.length > 1) {
    const rest = group.filter((other) => other !== reply);
    groups.splice(at, 1, ...(direction < 0 ? [[reply], rest] : [rest, [reply]]));
    return fromGroups(groups);
  }
  const neighbour = groups[at + direction];
  if (!neighbour) return fromGroups(groups);
  groups[at + direction] = group;
  groups[at] = neighbour;
  return fromGroups(groups);
}

/** Ties a reply with the group above it (the first: with the one below), or takes it out of its tie. */
export function toggleTie(state: RankState, reply: number): RankState {
  const groups = tieGroups(state);
  const at = groupOf(groups, reply);
  const group = groups[at];
  if (!group) return state;
  if (group.length > 1) {
    const rest = group.filter((other) => other !== reply);
    groups.splice(at, 1, rest, [reply]);
    return fromGroups(groups);
  }
  const other = groups[at - 1] ?? groups[at + 1];
  if (!other) return fromGroups(groups);
  const merged = at > 0 ? [...other, reply] : [reply, ...other];
  groups.splice(Math.max(at - 1, 0), 2, merged);
  return fromGroups(groups);
}

/** Puts a reply at a place on the page; between two tied replies it joins their tie. Ranks all replies. */
export function moveTo(state: RankState, reply: number, place: number): RankState {
  const groups = tieGroups(state);
  const without = groups.map((group) => group.filter((other) => other !== reply)).filter((group) => group.length > 0);
  let start = 0;
  for (const [index, group] of without.entries()) {
    if (place <= start) {
      without.splice(index, 0, [reply]);
      return fromGroups(without);
    }
    if (place < start + group.length) {
      group.splice(place - start, 0, reply);
      return fromGroups(without);
    }
    start += group.length;
  }
  return fromGroups([...without, [reply]]);
}

/** What the step from a reply's group to the next worse one counts; null for the last group, or before all have a rank. */
export function gapAfter(state: RankState, reply: number): number | null {
  if (!isComplete(state)) return null;
  const groups = tieGroups(state);
  const at = groupOf(groups, reply);
  return at < 0 || at === groups.length - 1 ? null : (state.gaps?.[at] ?? 1);
}

/** Says that a reply, and those it ties with, are much better than the next worse ones; or takes that back. */
export function toggleGap(state: RankState, reply: number): RankState {
  const gap = gapAfter(state, reply);
  if (gap === null) return state;
  const groups = tieGroups(state);
  const at = groupOf(groups, reply);
  const gaps = groups
    .slice(1)
    .map((_, step) => (step === at ? (gap > 1 ? 1 : MUCH_BETTER) : (state.gaps?.[step] ?? 1)));
  return withGaps(state, gaps);
}

/**
 * A changed ranking with as much of what was said of its steps as still holds: a step is much better exactly where all
 * replies above it were said to be much better than all below it, at one step or over several. So no two replies come to
 * be much apart of which that was not said.
 */
export function keepGaps(before: RankState, after: RankState): RankState {
  if (!before.gaps || !isComplete(after)) return withGaps(after, []);
  const wideAbove = new Map<number, number>();
  let wide = 0;
  tieGroups(before).forEach((group, at) => {
    if (at > 0 && (before.gaps?.[at - 1] ?? 1) > 1) wide++;
    for (const reply of group) wideAbove.set(reply, wide);
  });
  const groups = tieGroups(after);
  const wideOf = (some: number[][]): number[] => some.flat().map((reply) => wideAbove.get(reply) ?? 0);
  const gaps = groups
    .slice(1)
    .map((_, at) =>
      Math.max(...wideOf(groups.slice(0, at + 1))) < Math.min(...wideOf(groups.slice(at + 1))) ? MUCH_BETTER : 1,
    );
  return withGaps(after, gaps);
}

const withGaps = ({ ranks, order }: RankState, gaps: number[]): RankState => ({
  ranks,
  order,
  ...(gaps.some((gap) => gap > 1) && { gaps }),
});

/** Of replies that nobody ranked, those come first of which something good was said. */
const THUMBS_BEST_FIRST: readonly ReplyThumb[] = ['up', null, 'down'];

/**
 * The finished ranking: replies without a rank come behind all that have one. Among themselves they tie, but for their
 * thumbs: one up is better than none, and none better than one down. Thumbs of replies that have a rank change nothing.
 */
export function finishedRanks(state: RankState, thumbs: readonly ReplyThumb[] = []): number[] {
  const last = Math.max(0, ...state.ranks.map((rank) => rank ?? 0)) + 1;
  const thumbOf = (reply: number): ReplyThumb => thumbs[reply] ?? null;
  const given = THUMBS_BEST_FIRST.filter((thumb) =>
    state.ranks.some((rank, reply) => rank === null && thumbOf(reply) === thumb),
  );
  return state.ranks.map((rank, reply) => rank ?? last + given.indexOf(thumbOf(reply)));
}

/** The reply that goes on into the conversation: the best rank, and of tied ones the first on the page. */
export function bestReply(state: RankState, thumbs: readonly ReplyThumb[] = []): number | null {
  const ranks = finishedRanks(state, thumbs);
  let best: number | null = null;
  for (const reply of state.order) {
    if (best === null || (ranks[reply] ?? Infinity) < (ranks[best] ?? Infinity)) best = reply;
  }
  return best;
}
