/** What people (and the simulated labeler, and imported files) said about replies: counts here, records in the store. */
import type { Demonstration, Ranking, ReplyThumb } from '../session/protocol';
import type { DemonstrationRecord, RankingRecord } from '../store/schema';
import type { Store } from '../store/store';
import type { Notices } from './notices.svelte';

/** What is counted of a ranking, without its texts. */
interface Counted {
  id: string;
  labeler: Ranking['labeler'];
  source: string | null;
  createdAt: number;
  noneGood: boolean;
  /** There is another reply to compare with. */
  compares: boolean;
  thumbsUp: number;
  thumbsDown: number;
}

/** What came from an imported file. */
export interface Source {
  name: string;
  pairs: number;
  thumbs: number;
}

export type NewRanking = Ranking & Pick<RankingRecord, 'shownOrder' | 'milliseconds' | 'noneGood' | 'writers'>;
export type NewDemonstration = Demonstration & Pick<DemonstrationRecord, 'editedFrom'>;

export class Labels {
  #counted = $state.raw<readonly Counted[]>([]);
  #demonstrationTimes = $state.raw<ReadonlyMap<string, number>>(new Map());

  readonly #usable: readonly Counted[] = $derived(
    this.#counted.filter(({ noneGood, compares }) => !noneGood && compares),
  );
  /** Rankings that the reward model can learn from. */
  readonly count: number = $derived(this.#usable.length);
  readonly byPerson: number = $derived(this.#usable.filter(({ labeler }) => labeler === 'person').length);
  readonly simulated: number = $derived(this.#usable.filter(({ labeler }) => labeler === 'simulated').length);
  readonly imported: number = $derived(this.#usable.filter(({ labeler }) => labeler === 'import').length);
  /** Replies that were given a thumb, in rankings and by themselves. */
  readonly thumbsUp: number = $derived(this.#counted.reduce((sum, { thumbsUp }) => sum + thumbsUp, 0));
  readonly thumbsDown: number = $derived(this.#counted.reduce((sum, { thumbsDown }) => sum + thumbsDown, 0));
  readonly thumbs: number = $derived(this.thumbsUp + this.thumbsDown);
  readonly demonstrationCount: number = $derived(this.#demonstrationTimes.size);
  /** Imported files and what came from each. */
  readonly sources: readonly Source[] = $derived.by(() => {
    const sources = new Map<string, Source>();
    for (const { source: name, compares, thumbsUp, thumbsDown } of this.#counted) {
      if (name === null) continue;
      const { pairs, thumbs } = sources.get(name) ?? { pairs: 0, thumbs: 0 };
      sources.set(name, { name, pairs: pairs + Number(compares), thumbs: thumbs + thumbsUp + thumbsDown });
    }
    return [...sources.values()];
  });

  readonly #store: Store;
  readonly #notices: Notices;

  constructor(store: Store, notices: Notices) {
    this.#store = store;
    this.#notices = notices;
  }

  async load(): Promise<void> {
    const [rankings, demonstrations] = await Promise.all([
      this.#store.rankings.list(),
      this.#store.demonstrations.list(),
    ]);
    this.#counted = rankings.map(counted);
    this.#demonstrationTimes = new Map(demonstrations.map(({ id, createdAt }) => [id, createdAt]));
  }

  /** Rankings that are newer than a time in milliseconds since 1970. */
  countSince(time: number): number {
    return this.#usable.filter(({ createdAt }) => createdAt > time).length;
  }

  demonstrationsSince(time: number): number {
    return [...this.#demonstrationTimes.values()].filter((createdAt) => createdAt > time).length;
  }

  /** Everything that can be learned from, oldest first; with a source, only what came from that file. */
  async rankings(source?: string): Promise<Ranking[]> {
    const records = await this.#store.rankings.list();
    return records
      .filter((record) => source === undefined || record.source === source)
      .flatMap((record) => (record.noneGood ? thumbsAlone(record) : [toRanking(record)]));
  }

  /** The newest that a simulated labeler ranked and said why. */
  async simulatedRankings(count: number): Promise<Ranking[]> {
    const records = await this.#store.rankings.list();
    const simulated = records.filter(({ labeler, judged }) => labeler === 'simulated' && judged);
    return simulated.slice(-count);
  }

  async demonstrations(): Promise<Demonstration[]> {
    const records = await this.#store.demonstrations.list();
    return records.map(({ id, conversation, reply }) => ({ id, conversation, reply }));
  }

  /** What the person asked in a first turn, each once. */
  async prompts(): Promise<string[]> {
    const records = await this.#store.rankings.list();
    const asked = records.filter(({ labeler, conversation }) => labeler === 'person' && conversation.length === 1);
    return [...new Set(asked.flatMap(({ conversation }) => conversation.map(({ text }) => text)))];
  }

  /** Stores a finished ranking in place of its draft; false, with a notice, when that failed. */
  addRanking(ranking: NewRanking): Promise<boolean> {
    const record: RankingRecord = { ...ranking, createdAt: Date.now(), source: null };
    return this.#guard(async () => {
      await this.#store.rankings.finish(record);
      this.#counted = [...this.#counted, counted(record)];
    });
  }

  /** Stores many rankings that nobody watched, all or none. */
  addMany(rankings: readonly Ranking[], source: string | null): Promise<boolean> {
    const createdAt = Date.now();
    const records = rankings.map((ranking): RankingRecord => ({
      ...ranking,
      createdAt,
      shownOrder: ranking.replies.map((_, index) => index),
      milliseconds: null,
      noneGood: false,
      source,
    }));
    return this.#guard(async () => {
      await this.#store.rankings.add(records);
      // A file that is imported again brings the same ids: they replace the old records, here as in the store.
      const ids = new Set(records.map(({ id }) => id));
      this.#counted = [...this.#counted.filter(({ id }) => !ids.has(id)), ...records.map(counted)];
    });
  }

  /** Of the pairs that a person ranked, one by the newest model and one by a round: how many it won, and lost. */
  async duels(round: string): Promise<{ won: number; lost: number }> {
    let [won, lost] = [0, 0];
    for (const { writers, ranks, noneGood } of await this.#store.rankings.list()) {
      if (noneGood) continue;
      writers?.forEach((writer, own) =>
        writers.forEach((other, theirs) => {
          if (writer !== null || other !== round) return;
          if (ranks[own]! < ranks[theirs]!) won++;
          else if (ranks[own]! > ranks[theirs]!) lost++;
        }),
      );
    }
    return { won, lost };
  }

  removeRanking(id: string): Promise<boolean> {
    return this.#guard(async () => {
      await this.#store.rankings.undo(id, null);
      this.#counted = this.#counted.filter((ranking) => ranking.id !== id);
    });
  }

  removeSource(source: string): Promise<boolean> {
    return this.#guard(async () => {
      await this.#store.rankings.removeSource(source);
      this.#counted = this.#counted.filter((ranking) => ranking.source !== source);
    });
  }

  addDemonstration(demonstration: NewDemonstration): Promise<boolean> {
    const createdAt = Date.now();
    return this.#guard(async () => {
      await this.#store.demonstrations.save({ ...demonstration, createdAt });
      this.#demonstrationTimes = new Map([...this.#demonstrationTimes, [demonstration.id, createdAt]]);
    });
  }

  removeDemonstration(id: string): Promise<boolean> {
    return this.#guard(async () => {
      await this.#store.demonstrations.delete(id);
      this.#demonstrationTimes = new Map([...this.#demonstrationTimes].filter(([other]) => other !== id));
    });
  }

  async #guard(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#notices.fail('labels', error);
      return false;
    }
  }
}

function counted({ id, labeler, source, createdAt, noneGood, replies, thumbs = [] }: RankingRecord): Counted {
  const countOf = (kind: ReplyThumb): number => thumbs.filter((thumb) => thumb === kind).length;
  const [thumbsUp, thumbsDown] = [countOf('up'), countOf('down')];
  return { id, labeler, source, createdAt, noneGood, compares: replies.length > 1, thumbsUp, thumbsDown };
}

/** Of replies none of which is good nothing is said but what each was given by itself. */
function thumbsAlone({ id, conversation, replies, labeler, thumbs }: RankingRecord): Ranking[] {
  return replies.flatMap((reply, i) => {
    const thumb = thumbs?.[i];
    return thumb ? [{ id: `${id}-${i}`, conversation, replies: [reply], ranks: [1], labeler, thumbs: [thumb] }] : [];
  });
}

function toRanking({ id, conversation, replies, ranks, labeler, violations, thumbs, gaps }: RankingRecord): Ranking {
  return {
    id,
    conversation,
    replies,
    ranks,
    labeler,
    ...(violations && { violations }),
    ...(thumbs && { thumbs }),
    ...(gaps && { gaps }),
  };
}
