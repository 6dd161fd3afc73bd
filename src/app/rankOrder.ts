/**
 * What a ranking is while a person makes it: a rank (1 is best) or nothing for each reply, and the order on the page.
 *
 * Everything is by value: each operation returns a new `RankState`. Ranks follow the "1, 1, 3" convention of sports
 * (standard competition ranking) once a reply is moved; typed ranks may be any whole numbers until then.
 */

export interface RankState {
  /** `ranks[i]` belongs to reply i; null: not ranked yet. */
  ranks: (number | null)[];
  /** `order[p]` is the reply at place p on the page. */
  order: number[];
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
  return { ...state, ranks: state.ranks.map((old, index) => (index === reply ? rank : old)) };
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

/** The finished ranking: replies without a rank count as tied behind all that have one. */
export function finishedRanks(state: RankState): number[] {
  const last = Math.max(0, ...state.ranks.map((rank) => rank ?? 0)) + 1;
  return state.ranks.map((rank) => rank ?? last);
}

/** The reply that goes on into the conversation: the best rank, and of tied ones the first on the page. */
export function bestReply(state: RankState): number | null {
  const ranks = finishedRanks(state);
  let best: number | null = null;
  for (const reply of state.order) {
    if (best === null || (ranks[reply] ?? Infinity) < (ranks[best] ?? Infinity)) best = reply;
  }
  return best;
}
