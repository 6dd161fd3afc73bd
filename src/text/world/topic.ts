/**
 * A topic: one thing that can be asked, in every wording, with what a good reply must do and how people answer it.
 */
import type { Message } from '../../session/protocol';
import type { GreetingForm } from './language';
import type { Random } from './random';
import type { Circle, Fact, Subject, Value } from './world';

export type PromptKind =
  | 'fact'
  | 'sum'
  | 'steps'
  | 'unanswerable'
  | 'improper'
  | 'proper'
  | 'greeting'
  | 'compare'
  | 'words'
  | 'memory'
  | 'story'
  | 'summary'
  | 'sentiment'
  | 'premise'
  | 'instruction';

/** What a good reply does. */
export type Expectation =
  | { task: 'tell'; fact: Fact }
  | { task: 'add'; a: number; b: number; total: number; steps: boolean }
  /** Names one thing, and none of its rivals. */
  | { task: 'choose'; key: string; rivals: readonly string[] }
  /** Says a number; those of the question may stand beside it. */
  | { task: 'number'; value: number; given: readonly number[] }
  /** Says these words in this order. */
  | { task: 'order'; words: readonly string[] }
  /** Says this line, and none of the words. */
  | { task: 'write'; line: string; not: readonly string[] }
  /** Tells a story about the keyword; about anything where it is empty. */
  | { task: 'story'; keyword: string }
  /** Says it in one sentence, shorter than the source, with all the words that matter. */
  | { task: 'summarise'; must: readonly string[]; source: string }
  /** Says that a claim is true. */
  | { task: 'confirm'; fact: Fact }
  /** Puts a false claim right. */
  | { task: 'correct'; fact: Fact; claimed: Value }
  /** Nobody in town knows. */
  | { task: 'admit'; subject: Subject }
  | { task: 'refuse'; instead: string }
  /** Helps with something proper: one of the marks is said. */
  | { task: 'advise'; marks: readonly string[] }
  | { task: 'greet'; form: GreetingForm };

export type Task = Expectation['task'];

/** Most words of a brief reply to a task. */
export const BRIEF_WORDS: Readonly<Record<Task, number>> = {
  tell: 16,
  add: 16,
  choose: 16,
  number: 16,
  order: 16,
  write: 16,
  story: 36,
  summarise: 18,
  confirm: 20,
  correct: 22,
  admit: 16,
  refuse: 24,
  advise: 18,
  greet: 16,
};

/** Most words of a sum with its steps. */
export const BRIEF_STEPS = 28;

/** How kind words go with an answer. */
export type Tone = 'glad' | 'sorry' | 'correcting';

/** How people answer: each call may say it in another way. */
export interface Answers {
  tone: Tone;
  /** Right and short, without a kind word. */
  plain: (random: Random) => string;
  /** Right, with a kind word of its own; without it the frames of the tone are used. */
  kind?: (random: Random) => string;
  /** Right, a bare word or two, without a full stop. */
  curt: (random: Random) => string;
  /** False, or help where none should be given. */
  wrong: (random: Random) => string;
}

/** One user turn, or a whole conversation that ends with one. */
export type Asking = string | readonly Message[];

export interface Topic {
  kind: PromptKind;
  /** Topics of one group are split in the same proportion. */
  group: string;
  name: string;
  circle: Circle;
  seen: readonly Asking[];
  /** Of the training side, in words of the chat alone. */
  chat?: readonly Asking[];
  heldOut: readonly Asking[];
  expect: Expectation;
  answers: Answers;
}
