/**
 * What a language has to bring so that the town can be spoken of in it: names, values, and a bank of sentences for
 * every task. A bank is plain data in the notation of `grammar.ts`; the code that uses it knows no language.
 *
 * The banks of the core tasks are required, the rest may be absent: those tasks are then not asked.
 */
import type { AttributeName, Pronoun, Subject, SubjectKind, Value } from './world';

/** Wordings that may be trained on, and such that are only ever used to measure. */
export interface Asked {
  readonly seen: readonly string[];
  /** More of those to train on, which stand in no text of the web: people ask an assistant otherwise than a forum. */
  readonly chat?: readonly string[];
  readonly heldOut: readonly string[];
}

export type ValueLists = Readonly<
  Record<AttributeName, 'people' | { readonly core: readonly Value[]; readonly town: readonly Value[] }>
>;

/** Slots: {s} subject, {v} value, {she} {her} {his} the subject's pronouns. */
export interface AttributeWording {
  readonly questions: Asked;
  /** The question as a clause: "where Mira lives". */
  readonly clause: string;
  /** Sentences that tell it, fit for a reply. */
  readonly statements: readonly string[];
  /** Sentences that tell it in running text alone. */
  readonly prose: readonly string[];
  /** The same of a subject that has just been named. */
  readonly next: readonly string[];
  /** Questions about a subject that has just been named. */
  readonly follow: readonly string[];
  /** Questions that take a value for granted; the last one asks whether it is so. */
  readonly premise: readonly string[];
  /** What puts them right, before the true statement. */
  readonly denial: string;
}

export type GreetingForm = 'hello' | 'thanks' | 'farewell' | 'identity' | 'mood';

export interface GreetingWording {
  readonly openers: Asked;
  /** What may follow an opener. */
  readonly ends: readonly string[];
  readonly plain: readonly string[];
  readonly kind: readonly string[];
  readonly curt: readonly string[];
  /** Lower-case words by which the right answer is told. */
  readonly marks: readonly string[];
}

export interface SumBank {
  /** {a} {b} */
  readonly questions: Asked;
  readonly stepQuestions: Asked;
  /** {a} {b} {t}: the total */
  readonly plain: string;
  /**
   * By way of the tens {d}. Within a ten: {a} is {d} and {r}, {r} + {b} is {s}. Over it: {a} + {k} is {d}, {b} is {k}
   * and {r}. Told: what is added, and the working {w}.
   */
  readonly steps: { readonly within: string; readonly tens: string; readonly over: string; readonly told: string };
  /** {x} {y} {z}: two parts and their whole, for the number bonds up to ten. */
  readonly bonds: readonly string[];
  /** {a} {b} people; {x} + {y} is {z}; {m} {n} {t} the same with things: "3 shells". */
  readonly stories: readonly string[];
  readonly counted: { readonly one: string; readonly many: string };
  readonly things: readonly { readonly one: string; readonly many: string }[];
}

/** Something that nobody in town knows of {s}. */
export interface UnknownWording {
  readonly of: SubjectKind;
  readonly questions: Asked;
  readonly clause: string;
  /** {s}, {name}, {place}, {colour}, {n} */
  readonly invention: string;
}

export interface DeedWording {
  /** Whom it would be done to. */
  readonly of: SubjectKind | 'none';
  /** "steal the boat of {s}" */
  readonly deed: string;
  /** What can be done instead. */
  readonly instead: string;
}

/** A proper request that looks like an improper one. */
export interface ProperWording {
  readonly of: SubjectKind | 'none';
  readonly deed: string;
  readonly answer: string;
  /** Lower-case words one of which a good answer says. */
  readonly marks: readonly string[];
}

export interface Manners {
  /** Kind frames of a right answer, {r}. */
  readonly glad: readonly string[];
  /** Kind frames of a long answer. */
  readonly long: readonly string[];
  /** Kind frames of "I do not know" and of a refusal. */
  readonly sorry: readonly string[];
  /** Kind frames of what contradicts the person. */
  readonly correcting: readonly string[];
  readonly courtesyMarks: readonly string[];
  readonly rudeRemarks: readonly string[];
  readonly rudeMarks: readonly string[];
  /** What people add when they ramble. */
  readonly remarks: readonly string[];
}

export interface WordBank {
  readonly words: readonly string[];
  readonly sort: Asked;
  readonly sortNumbers: Asked;
  readonly reverse: Asked;
  readonly join: Asked;
  readonly joined: string;
  readonly replace: Asked;
  readonly replaceable: readonly string[];
  readonly opposite: Asked;
  readonly opposites: readonly (readonly [string, string])[];
  readonly pick: Asked;
  /** Kinds of things to pick one from, the name with its article. */
  readonly groups: readonly { readonly name: string; readonly words: readonly string[] }[];
  readonly answers: { readonly list: string; readonly opposite: string; readonly pick: string };
}

export interface CompareBank {
  readonly bigger: Asked;
  readonly smaller: Asked;
  readonly more: Asked;
  readonly after: Asked;
  readonly count: Asked;
  readonly things: readonly string[];
  readonly answers: Readonly<Record<'bigger' | 'smaller' | 'more' | 'after' | 'count', string>>;
}

export interface MemoryBank {
  /** What a person may tell of themselves, and ask later. */
  readonly kinds: readonly {
    readonly name: string;
    readonly tell: readonly string[];
    /** What was answered to that. */
    readonly heard: readonly string[];
    readonly ask: Asked;
    readonly answer: readonly string[];
    readonly values: readonly string[];
  }[];
  /** What may come between. */
  readonly between: readonly (readonly [person: string, answer: string])[];
}

/** Short stories, each with its summary; slots are those of `casting.ts`. */
export interface Tale {
  readonly tell: string;
  readonly summary: string;
  /** Slots whose words a summary must say. */
  readonly must: readonly string[];
}

export interface StoryBank {
  readonly tales: readonly Tale[];
  /** Tales around a keyword {thing}. */
  readonly keywordTales: readonly string[];
  readonly keywords: readonly string[];
  readonly tellMe: Asked;
  /** Any story will do. */
  readonly tellAny: Asked;
  readonly sumUp: Asked;
}

export interface MoodBank {
  readonly ask: Asked;
  readonly happy: readonly string[];
  readonly sad: readonly string[];
  readonly answers: Readonly<Record<'happy' | 'sad', readonly string[]>>;
  readonly marks: Readonly<Record<'happy' | 'sad', string>>;
}

/** Instruction and input, as one user turn: {i} instruction, {x} input. */
export interface InstructionBank {
  readonly frames: Asked;
  /** Instructions for an attribute of a subject. */
  readonly attributes: Partial<Record<AttributeName, string>>;
  readonly mood: string;
  readonly add: string;
  readonly reverse: string;
  readonly opposite: string;
}

export interface ProseBank {
  /** Documents by kind; slots are those of `casting.ts`. */
  readonly notices: readonly string[];
  readonly gossip: readonly string[];
  readonly letters: readonly string[];
  readonly lists: readonly string[];
  readonly diaries: readonly string[];
  /** Forum threads that no task stands behind. */
  readonly chatter: readonly string[];
  /** Posts under a question that answer nothing. */
  readonly beside: readonly string[];
  /** What stands before a list of questions that nobody answers. */
  readonly questionLists: readonly string[];
  /** {c}: a clause that nobody can answer. */
  readonly unknown: readonly string[];
  /** {d}: an improper deed. */
  readonly wrongs: readonly string[];
  /** {q} {a}: a task and its solution, as school books and puzzle corners print them. */
  readonly lessons: readonly string[];
  /** A talk as it is printed for the stage: what stands before the lines of each of the two. */
  readonly play: { readonly opening: string; readonly speakers: readonly [string, string] };
}

export interface Language {
  readonly name: 'english' | 'chinese';
  readonly names: {
    readonly core: readonly Subject[];
    readonly town: readonly Subject[];
    readonly strangers: readonly Subject[];
    readonly visitors: readonly string[];
    /** Names of nobody, too many to be learnt by heart: who can say one again can say any. */
    readonly newcomers: readonly string[];
  };
  readonly values: ValueLists;
  readonly pronouns: Readonly<Record<Pronoun, { readonly she: string; readonly her: string; readonly his: string }>>;
  /** Words, as the judges count them, in which it says what English says in one. */
  readonly wordsPerWord: number;
  /** Between two sentences. */
  readonly space: string;
  readonly fullStop: string;
  /** What a whole reply ends with. */
  readonly stops: RegExp;
  readonly attributes: Readonly<Record<AttributeName, AttributeWording>>;
  readonly askingFrames: Asked;
  /** Before the statement of what was rightly taken for granted, {r}. */
  readonly affirmation: string;
  /** Around a question that takes something for granted, {x}. */
  readonly premiseFrames: Asked;
  readonly greetings: Readonly<Record<GreetingForm, GreetingWording>>;
  readonly sums: SumBank;
  readonly unknowns: Readonly<Record<string, UnknownWording>>;
  readonly strangerAttributes: readonly AttributeName[];
  readonly admissions: { readonly plain: readonly string[]; readonly curt: string; readonly marks: readonly string[] };
  readonly deeds: Readonly<Record<string, DeedWording>>;
  readonly deedQuestions: Asked;
  readonly help: readonly string[];
  readonly refusals: {
    readonly plain: readonly string[];
    readonly curt: string;
    readonly marks: readonly string[];
    /** Words by which an alternative is told. */
    readonly insteadMarks: readonly string[];
  };
  readonly manners: Manners;
  /** Words that say that something is not so. */
  readonly denials: readonly string[];
  /** Words too common to tell a topic by. */
  readonly stopwords: ReadonlySet<string>;
  readonly prose: ProseBank;
  readonly tales: readonly string[];
  readonly things: readonly string[];
  readonly proper?: Readonly<Record<string, ProperWording>>;
  readonly words?: WordBank;
  readonly compare?: CompareBank;
  readonly memory?: MemoryBank;
  readonly stories?: StoryBank;
  readonly moods?: MoodBank;
  readonly instructions?: InstructionBank;
  /** Slips of hurried fingers: a word and how it comes out. */
  readonly typos?: Readonly<Record<string, string>>;
}
