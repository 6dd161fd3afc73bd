/**
 * The conversation: settled turns, the message in the box, the replies to it that are being ranked, and undo.
 *
 * The box is the current turn. Ranking sends the best reply into the conversation or goes on to a new prompt; each
 * step that leaves a board behind can be undone.
 */
import { REPLIES_PER_PROMPT } from '../config';
import type { SamplingSettings } from '../config';
import { InputError, toPlainError } from '../errors';
import type { Message, Reply, SessionEvent } from '../session/protocol';
import type { Seeds } from './blindOrder';
import { oncePerFrame } from './frames';
import type { Labels } from './labels.svelte';
import type { Notices } from './notices.svelte';
import type { RoundRecord } from '../store/schema';
import { RankBoard } from './rankBoard.svelte';
import type { BoardSnapshot } from './rankBoard.svelte';
import type { Session } from './session.svelte';

/** Steps that can be undone. */
const UNDO_DEPTH = 20;
/** The first prompts that a person is offered are easy to judge. */
const OPENING_PROMPTS = 4;
/** Longest message that the box takes, in characters; the model's context is far shorter. */
export const MESSAGE_LIMIT = 2000;

/** All that a reload must bring back. */
export interface ChatSnapshot {
  history: Message[];
  /** The user turn that the board answers; null before the first. */
  asked: string | null;
  /** The message in the box. */
  message: string;
  droppedTurns: number;
  rankingId: string;
  board: BoardSnapshot | null;
}

/** A demonstration that is being written: from nothing, or from one of the replies. */
export interface Writing {
  from: 'none is good' | 'edit';
  reply: number | null;
  text: string;
}

interface Undoable {
  what: 'ranking' | 'demonstration' | 'skip';
  /** Of the stored record; null for a skip. */
  id: string | null;
  before: ChatSnapshot;
}

export class Chat {
  history = $state.raw<readonly Message[]>([]);
  message = $state('');
  asked = $state<string | null>(null);
  /** Oldest turns that did not fit into the model's context. */
  droppedTurns = $state(0);
  /** The message itself was too long, so the model read only its end. */
  truncated = $state(false);
  writing = $state<Writing | null>(null);
  /** Prompts of the world that were put into the box. */
  offered = $state(0);
  /** Whether what was asked last was sent by the person; else it is a prompt of the world. */
  sent = $state(false);
  /** Why the message was refused. */
  refusal = $state('');
  /** Said by a polite live region. */
  announcement = $state('');
  readonly board: RankBoard;

  #undoable = $state.raw<readonly Undoable[]>([]);
  readonly lastStep: Undoable['what'] | null = $derived(this.#undoable.at(-1)?.what ?? null);
  /** What was asked with the replies on the page, as the model got it. */
  readonly conversation: readonly Message[] = $derived(
    this.asked === null ? [] : [...this.history, { role: 'user', text: this.asked }],
  );

  readonly #session: Session;
  readonly #labels: Labels;
  readonly #notices: Notices;
  readonly #seeds: Seeds;
  readonly #sampling: () => SamplingSettings;
  readonly #changed: (snapshot: ChatSnapshot) => void;
  /** While the last turn is being kept: what is sent meanwhile comes after it. */
  #settling: Promise<void> = Promise.resolve();
  #rankingId: string = crypto.randomUUID();
  #job: string | null = null;
  #latestTexts: readonly string[] = [];
  readonly #showTexts = oncePerFrame(() => {
    if (this.#job !== null) this.board.texts = this.#latestTexts;
  });

  readonly #opponent: () => RoundRecord | null;

  /**
   * @param changed called with all that a reload must bring back, after each change
   * @param opponent the round that writes half of the replies, if one is to
   */
  constructor(
    session: Session,
    labels: Labels,
    notices: Notices,
    seeds: Seeds,
    sampling: () => SamplingSettings,
    changed: (snapshot: ChatSnapshot) => void,
    opponent: () => RoundRecord | null = () => null,
  ) {
    this.#session = session;
    this.#labels = labels;
    this.#notices = notices;
    this.#seeds = seeds;
    this.#sampling = sampling;
    this.#changed = changed;
    this.#opponent = opponent;
    this.board = new RankBoard(() => this.#remember());
    session.listen((event) => this.#hear(event));
  }

  get snapshot(): ChatSnapshot {
    return {
      history: [...this.history],
      asked: this.asked,
      message: this.message,
      droppedTurns: this.droppedTurns,
      rankingId: this.#rankingId,
      board: this.board.snapshot(),
    };
  }

  restore(snapshot: ChatSnapshot): void {
    this.#cancelJob();
    this.history = snapshot.history;
    this.asked = snapshot.asked;
    this.message = snapshot.message;
    this.droppedTurns = snapshot.droppedTurns;
    this.truncated = false;
    this.#rankingId = snapshot.rankingId;
    this.writing = null;
    this.refusal = '';
    if (snapshot.board) this.board.restore(snapshot.board);
    else this.board.clear();
    this.#remember();
  }

  /**
   * Puts a prompt of the world into the box, with the turns before it where it has some, and asks for replies to it, in a
   * new conversation; where the person typed in the meantime, theirs stays.
   */
  async nextPrompt(): Promise<void> {
    this.history = [];
    if (!this.#session.canSpeak) {
      this.#cancelJob();
      this.asked = null;
      this.board.clear();
      return;
    }
    const before = this.message;
    try {
      const opening = this.offered + this.#labels.byPerson < OPENING_PROMPTS;
      const request = { seed: this.#seeds.next(), opening, talks: true };
      const { history, text } = await this.#session.call('world.prompt', request);
      if (this.message !== before) return;
      this.history = history;
      this.message = text;
      this.offered += 1;
      this.sent = false;
    } catch (error) {
      this.#notices.fail('chat', error);
      return;
    }
    await this.ask();
  }

  /** The message in the box, sent by the person: what was ranked so far is kept first. */
  async send(): Promise<void> {
    await this.#settling;
    if (this.message.trim() === '') {
      const refused = new InputError(
        'The message is empty.',
        'Write something first, or take a prompt with “Another”.',
      );
      this.refusal = `${refused.message} ${refused.remedy}`;
      return;
    }
    if (this.board.begun) await this.#storeRanking(this.snapshot);
    this.sent = true;
    await this.ask();
  }

  /** Asks for replies to the message in the box, as the turn after `history`. */
  async ask(): Promise<void> {
    this.#cancelJob();
    this.refusal = '';
    this.writing = null;
    this.asked = this.message.trim();
    this.message = this.asked;
    this.droppedTurns = 0;
    this.truncated = false;
    this.#rankingId = crypto.randomUUID();
    const jobId = crypto.randomUUID();
    const seed = this.#seeds.next();
    this.#job = jobId;
    this.#latestTexts = [];
    this.board.begin(REPLIES_PER_PROMPT, seed);
    try {
      const opponent = this.#opponent();
      const against = opponent && { name: opponent.id, bytes: await opponent.bytes.arrayBuffer() };
      const { replies, droppedTurns, truncated } = await this.#session.call('chat.reply', {
        jobId,
        conversation: [...this.conversation],
        k: REPLIES_PER_PROMPT,
        from: this.#session.speaker,
        sampling: this.#sampling(),
        seed,
        distinct: true,
        ...(against && { against }),
      });
      if (this.#job !== jobId) return;
      this.droppedTurns = droppedTurns;
      this.truncated = truncated;
      this.#finishJob(replies);
    } catch (error) {
      if (this.#job !== jobId) return;
      if (toPlainError(error).code === 'cancelled') this.#finishJob(this.#asFarAsWritten());
      else {
        this.#job = null;
        this.board.clear();
        this.#notices.fail('chat', error);
      }
    }
  }

  /** Stops the writing; what was written so far stays and can be ranked. */
  stop(): void {
    if (this.#job !== null) this.#session.call('job.cancel', { jobId: this.#job }).catch(() => undefined);
  }

  /** Keeps the ranking and goes on to a new prompt. */
  async next(): Promise<void> {
    if (!(await this.#submit())) return;
    await this.nextPrompt();
  }

  /** Keeps the ranking; the best reply becomes the model's turn and the person answers it. */
  keepTalking(): Promise<void> {
    this.#settling = this.#keepTalking();
    return this.#settling;
  }

  async #keepTalking(): Promise<void> {
    const best = this.board.best;
    const text = best === null ? undefined : this.board.replies[best]?.text;
    if (this.asked === null || text === undefined || !(await this.#submit())) return;
    this.#settleTurn(this.asked, text);
  }

  async skip(): Promise<void> {
    this.#pushUndo({ what: 'skip', id: null, before: this.snapshot });
    await this.nextPrompt();
  }

  write(from: Writing['from'], reply: number | null): void {
    this.writing = { from, reply, text: reply === null ? '' : (this.board.replies[reply]?.text ?? '') };
  }

  /** Keeps what the person wrote as a demonstration; after "none is good" it also answers in the conversation. */
  async saveDemonstration(): Promise<void> {
    const writing = this.writing;
    const text = writing?.text.trim() ?? '';
    if (!writing || text === '' || this.asked === null) return;
    const before = { ...this.snapshot };
    const id = crypto.randomUUID();
    const editedFrom = writing.reply === null ? null : (this.board.replies[writing.reply]?.text ?? null);
    const stored = await this.#labels.addDemonstration({
      id,
      conversation: [...this.conversation],
      reply: text,
      editedFrom,
    });
    if (!stored) return;
    this.#pushUndo({ what: 'demonstration', id, before });
    this.writing = null;
    this.announcement = 'Your reply is kept as a demonstration.';
    if (writing.from === 'none is good') this.#settleTurn(this.asked, text);
  }

  /** Keeps that none of the replies is good, which teaches the reward model nothing, and goes on. */
  async noneIsGood(): Promise<void> {
    if (await this.#storeRanking(this.snapshot, true)) await this.nextPrompt();
  }

  async undo(): Promise<void> {
    const last = this.#undoable.at(-1);
    if (!last) return;
    if (last.id !== null && last.what === 'ranking') await this.#labels.removeRanking(last.id);
    if (last.id !== null && last.what === 'demonstration') await this.#labels.removeDemonstration(last.id);
    this.#undoable = this.#undoable.slice(0, -1);
    this.restore(last.before);
    if (this.asked !== null && this.board.phase === 'empty') void this.ask();
    this.announcement = `Undone: the ${last.what} is taken back.`;
  }

  /** The person typed: an edit of the box is part of what a reload brings back. */
  edited(): void {
    this.refusal = '';
    this.#remember();
  }

  #settleTurn(user: string, assistant: string): void {
    this.history = [...this.history, { role: 'user', text: user }, { role: 'assistant', text: assistant }];
    // The next message may be in the box already.
    if (this.message.trim() === user) this.message = '';
    this.asked = null;
    this.board.clear();
    this.#remember();
  }

  async #submit(): Promise<boolean> {
    return this.board.begun && (await this.#storeRanking(this.snapshot));
  }

  async #storeRanking(before: ChatSnapshot, noneGood = false): Promise<boolean> {
    const { violations, replies, anyThumb, thumbs, gaps } = this.board;
    const writers = replies.some(({ earlier }) => earlier) && replies.map(({ earlier }) => earlier ?? null);
    const stored = await this.#labels.addRanking({
      id: this.#rankingId,
      conversation: [...this.conversation],
      replies: this.board.replies.map((reply) => reply.text),
      ranks: noneGood ? this.board.replies.map(() => 1) : this.board.finishedRanks,
      labeler: 'person',
      ...(violations && { violations }),
      ...(anyThumb && { thumbs: [...thumbs] }),
      ...(gaps && !noneGood && { gaps: [...gaps] }),
      ...(writers && { writers }),
      shownOrder: [...this.board.shownOrder],
      milliseconds: this.board.lookedFor,
      noneGood,
    });
    if (stored) {
      this.#pushUndo({ what: 'ranking', id: this.#rankingId, before });
      this.announcement = 'Ranking kept.';
    }
    return stored;
  }

  #pushUndo(step: Undoable): void {
    this.#undoable = [...this.#undoable, step].slice(-UNDO_DEPTH);
  }

  #asFarAsWritten(): Reply[] {
    const texts = this.#latestTexts.length > 0 ? this.#latestTexts : this.board.texts;
    return texts.map((text) => ({ text, tokenIds: [], finished: false, score: null, kl: null }));
  }

  #finishJob(replies: readonly Reply[]): void {
    this.#job = null;
    this.board.fill(replies);
    this.announcement = `${replies.length} replies are ready to be ranked.`;
  }

  #cancelJob(): void {
    const jobId = this.#job;
    this.#job = null;
    if (jobId !== null) this.#session.call('job.cancel', { jobId }).catch(() => undefined);
  }

  #hear(event: SessionEvent): void {
    if (event.type !== 'reply.partial' || event.jobId !== this.#job) return;
    this.#latestTexts = event.texts;
    this.#showTexts();
  }

  #remember(): void {
    this.#changed(this.snapshot);
  }
}
