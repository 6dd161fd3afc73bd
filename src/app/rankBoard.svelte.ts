/** The replies that are being ranked: their text as it streams in, their blind order, the ranks given so far. */
import type { Reply, ReplyThumb } from '../session/protocol';
import { blindOrder } from './blindOrder';
import * as rankOrder from './rankOrder';
import type { RankState } from './rankOrder';

export type BoardPhase = 'empty' | 'writing' | 'ready';

/** A board as it is stored and as undo brings it back. */
export interface BoardSnapshot {
  replies: Reply[];
  ranks: (number | null)[];
  order: number[];
  /** Replies that were flagged for breaking the rule. */
  flagged?: number[];
  /** One a reply; absent where none was given. */
  thumbs?: ReplyThumb[];
  /** As in `Ranking`; absent where nothing was said of any step. */
  gaps?: number[];
  /** Seed of the blind order. */
  seed: number;
}

/** What a reader should know about a reply before ranking it. */
export type ReplyRemark = 'empty' | 'cutOff' | 'sameAsAnother' | 'breaksRule';

export class RankBoard {
  phase = $state<BoardPhase>('empty');
  replies = $state.raw<readonly Reply[]>([]);
  /** What each reply says so far, while they are written. */
  texts = $state.raw<readonly string[]>([]);
  seed = 0;
  /** The order in which the replies were first shown; their letters go by it. */
  shownOrder = $state.raw<readonly number[]>([]);
  /** Replies that break the rule, as the person says. */
  flagged = $state.raw<ReadonlySet<number>>(new Set());
  /** One a reply. */
  thumbs = $state.raw<readonly ReplyThumb[]>([]);
  #readyAt = performance.now();
  #state = $state.raw<RankState>({ ranks: [], order: [] });

  readonly order: readonly number[] = $derived(this.#state.order);
  readonly ranks: readonly (number | null)[] = $derived(this.#state.ranks);
  readonly complete: boolean = $derived(rankOrder.isComplete(this.#state));
  readonly anyThumb: boolean = $derived(this.thumbs.some((thumb) => thumb !== null));
  /** Enough was said to keep it: a rank or a thumb. */
  readonly begun: boolean = $derived(rankOrder.isBegun(this.#state) || this.anyThumb);
  readonly best: number | null = $derived(rankOrder.bestReply(this.#state, this.thumbs));
  readonly finishedRanks: number[] = $derived(rankOrder.finishedRanks(this.#state, this.thumbs));
  /** What was said of the steps of a complete ranking; undefined where nothing was. */
  readonly gaps: number[] | undefined = $derived(this.#state.gaps);
  /** All replies have the very same words: there is nothing to rank. */
  readonly allSame: boolean = $derived(
    this.replies.length > 1 && new Set(this.replies.map(({ text }) => text)).size === 1,
  );
  /** The rank that a tap gives next. */
  readonly nextRank: number = $derived(rankOrder.nextFreeRank(this.#state));

  readonly #changed: () => void;

  /** @param changed called after each change that should outlive a reload */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  clear(): void {
    this.phase = 'empty';
    this.replies = [];
    this.texts = [];
    this.flagged = new Set();
    this.thumbs = [];
    this.#state = { ranks: [], order: [] };
  }

  /** Makes room for `count` replies that are about to stream in, in an order that says nothing about them. */
  begin(count: number, seed: number): void {
    this.seed = seed;
    this.phase = 'writing';
    this.replies = [];
    this.flagged = new Set();
    this.thumbs = Array.from({ length: count }, () => null);
    this.texts = Array.from({ length: count }, () => '');
    this.shownOrder = blindOrder(count, seed);
    this.#state = rankOrder.emptyRanks([...this.shownOrder]);
  }

  fill(replies: readonly Reply[]): void {
    this.replies = replies;
    this.texts = replies.map((reply) => reply.text);
    this.phase = 'ready';
    this.#readyAt = performance.now();
    this.#changed();
  }

  /** Milliseconds since the last reply was there. */
  get lookedFor(): number {
    return Math.round(performance.now() - this.#readyAt);
  }

  snapshot(): BoardSnapshot | null {
    if (this.phase !== 'ready') return null;
    const { replies, ranks, order, flagged, anyThumb, thumbs, gaps, seed } = this;
    return {
      replies: [...replies],
      ranks: [...ranks],
      order: [...order],
      flagged: [...flagged],
      ...(anyThumb && { thumbs: [...thumbs] }),
      ...(gaps && { gaps: [...gaps] }),
      seed,
    };
  }

  restore(snapshot: BoardSnapshot): void {
    this.seed = snapshot.seed;
    this.replies = snapshot.replies;
    this.texts = snapshot.replies.map((reply) => reply.text);
    this.shownOrder = blindOrder(snapshot.replies.length, snapshot.seed);
    this.flagged = new Set(snapshot.flagged);
    this.thumbs = snapshot.replies.map((_, index) => snapshot.thumbs?.[index] ?? null);
    const { ranks, order, gaps } = snapshot;
    this.#state = { ranks, order, ...(gaps && { gaps }) };
    this.phase = 'ready';
    this.#readyAt = performance.now();
    this.#changed();
  }

  remarks(index: number): ReplyRemark[] {
    const reply = this.replies[index];
    if (!reply) return [];
    const remarks: ReplyRemark[] = [];
    if (reply.text.trim() === '') remarks.push('empty');
    else if (!reply.finished) remarks.push('cutOff');
    if (this.#twins(index).length > 1) remarks.push('sameAsAnother');
    if (this.flagged.has(index)) remarks.push('breaksRule');
    return remarks;
  }

  /** Gives a rank to a reply, and to those with the very same words: they cannot be better or worse than it. */
  give(index: number, rank: number | null): void {
    if (this.phase !== 'ready') return;
    let state = this.#state;
    for (const twin of this.#twins(index)) state = rankOrder.setRank(state, twin, rank);
    const finished = rankOrder.isComplete(state) && !this.complete;
    this.#set(finished ? rankOrder.settle(state) : state);
  }

  /** A tap: the next free rank, or, on a ranked reply, none again. */
  tap(index: number): void {
    this.give(index, this.ranks[index] === null ? this.nextRank : null);
  }

  move(index: number, direction: -1 | 1): void {
    this.#set(rankOrder.step(this.#state, index, direction));
  }

  moveTo(index: number, place: number): void {
    this.#set(rankOrder.moveTo(this.#state, index, place));
  }

  toggleTie(index: number): void {
    this.#set(rankOrder.toggleTie(this.#state, index));
  }

  /** Whether each reply breaks the rule; undefined where none was flagged: then nobody may have looked. */
  get violations(): boolean[] | undefined {
    return this.flagged.size > 0 ? this.replies.map((_, index) => this.flagged.has(index)) : undefined;
  }

  /** Flags a reply for breaking the rule, or takes the flag away; and of those with the very same words. */
  toggleFlag(index: number): void {
    if (this.phase !== 'ready') return;
    const flagged = new Set(this.flagged);
    const on = !flagged.has(index);
    for (const twin of this.#twins(index)) {
      if (on) flagged.add(twin);
      else flagged.delete(twin);
    }
    this.flagged = flagged;
    this.#changed();
  }

  /** Gives a reply a thumb, or takes the same one away again; and those with the very same words with it. */
  toggleThumb(index: number, thumb: 'up' | 'down'): void {
    if (this.phase !== 'ready') return;
    const given = this.thumbs[index] === thumb ? null : thumb;
    const twins = this.#twins(index);
    this.thumbs = this.thumbs.map((old, other) => (twins.includes(other) ? given : old));
    this.#changed();
  }

  /** Says that a reply is much better than the next worse one, or takes that back; of a complete ranking. */
  toggleGap(index: number): void {
    if (this.phase !== 'ready') return;
    this.#state = rankOrder.toggleGap(this.#state, index);
    this.#changed();
  }

  /** What the step from a reply to the next worse one counts; null where there is none yet. */
  gapAfter(index: number): number | null {
    return rankOrder.gapAfter(this.#state, index);
  }

  /** Takes all ranks and thumbs away. */
  reset(): void {
    this.thumbs = this.replies.map(() => null);
    this.#set(rankOrder.emptyRanks([...this.order]));
  }

  #twins(index: number): number[] {
    const text = this.replies[index]?.text;
    return this.replies.flatMap((reply, other) => (reply.text === text ? [other] : []));
  }

  #set(state: RankState): void {
    if (this.phase !== 'ready') return;
    this.#state = rankOrder.keepGaps(this.#state, state);
    this.#changed();
  }
}
