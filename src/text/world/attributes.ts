/**
 * How each attribute is asked about and told, in plain short sentences.
 *
 * A shop's name goes with its article: the subject of a sentence about the Shell is "the Shell".
 */
import type { AttributeName, Pronoun, Value, World } from './world';

export interface Wording {
  subjects: 'people' | 'shops' | 'animals';
  /** Direct questions. */
  questions: readonly ((subject: string) => string)[];
  /** The question as a clause: "where Mira lives". */
  clause: (subject: string) => string;
  /** Whole sentences that tell it. */
  statements: readonly ((subject: string, value: string) => string)[];
  /** The same of a person who has just been named; absent for shops and animals. */
  next?: (pronoun: Pronoun, value: string) => string;
}

export const WORDINGS: Readonly<Record<AttributeName, Wording>> = {
  home: {
    subjects: 'people',
    questions: [(s) => `Where does ${s} live?`, (s) => `Where is the home of ${s}?`, (s) => `Where can I find ${s}?`],
    clause: (s) => `where ${s} lives`,
    statements: [(s, v) => `${s} lives ${v}.`, (s, v) => `You can find ${s} ${v}.`],
    next: (p, v) => `${They(p)} lives ${v}.`,
  },
  job: {
    subjects: 'people',
    questions: [(s) => `What does ${s} do?`, (s) => `What is the job of ${s}?`, (s) => `What work does ${s} do?`],
    clause: (s) => `what the job of ${s} is`,
    statements: [(s, v) => `${s} is ${v}.`, (s, v) => `${s} works as ${v}.`],
    next: (p, v) => `${They(p)} is ${v}.`,
  },
  food: {
    subjects: 'people',
    questions: [
      (s) => `What does ${s} like to eat?`,
      (s) => `What food does ${s} like?`,
      (s) => `What can I cook for ${s}?`,
    ],
    clause: (s) => `what ${s} likes to eat`,
    statements: [(s, v) => `${s} likes to eat ${v}.`, (s, v) => `You can cook ${v} for ${s}.`],
    next: (p, v) => `${They(p)} likes to eat ${v}.`,
  },
  boat: {
    subjects: 'people',
    questions: [
      (s) => `What colour is the boat of ${s}?`,
      (s) => `What is the colour of the boat of ${s}?`,
      (s) => `What does the boat of ${s} look like?`,
    ],
    clause: (s) => `what colour the boat of ${s} is`,
    statements: [(s, v) => `The boat of ${s} is ${v}.`, (s, v) => `${s} has a ${v} boat.`],
    next: (p, v) => `${They(p)} has a ${v} boat.`,
  },
  friend: {
    subjects: 'people',
    questions: [
      (s) => `Who is the best friend of ${s}?`,
      (s) => `Who does ${s} like best?`,
      (s) => `Who is a good friend of ${s}?`,
    ],
    clause: (s) => `who the best friend of ${s} is`,
    statements: [(s, v) => `The best friend of ${s} is ${v}.`, (s, v) => `${s} likes ${v} best.`],
    next: (p, v) => `${They(p)} likes ${v} best.`,
  },
  sells: {
    subjects: 'shops',
    questions: [(s) => `What does ${s} sell?`, (s) => `What can I buy at ${s}?`, (s) => `What can I find at ${s}?`],
    clause: (s) => `what ${s} sells`,
    statements: [(s, v) => `${capital(s)} sells ${v}.`, (s, v) => `You can buy ${v} at ${s}.`],
  },
  helper: {
    subjects: 'shops',
    questions: [(s) => `Who helps at ${s}?`, (s) => `Who can I meet at ${s}?`, (s) => `Who can I ask at ${s}?`],
    clause: (s) => `who helps at ${s}`,
    statements: [(s, v) => `${v} helps at ${s}.`, (s, v) => `You can meet ${v} at ${s}.`],
  },
  door: {
    subjects: 'shops',
    questions: [
      (s) => `What colour is the door of ${s}?`,
      (s) => `What is the colour of the door of ${s}?`,
      (s) => `What does the door of ${s} look like?`,
    ],
    clause: (s) => `what colour the door of ${s} is`,
    statements: [(s, v) => `The door of ${s} is ${v}.`, (s, v) => `${capital(s)} has a ${v} door.`],
  },
  animal: {
    subjects: 'animals',
    questions: [(s) => `What is ${s}?`, (s) => `What kind of animal is ${s}?`, (s) => `Which animal is ${s}?`],
    clause: (s) => `what animal ${s} is`,
    statements: [(s, v) => `${s} is ${v}.`, (s, v) => `${s} is the name of ${v}.`],
  },
  owner: {
    subjects: 'animals',
    questions: [(s) => `Who owns ${s}?`, (s) => `Who is the owner of ${s}?`, (s) => `Who does ${s} live with?`],
    clause: (s) => `who owns ${s}`,
    statements: [(s, v) => `${v} owns ${s}.`, (s, v) => `${s} lives with ${v}.`],
  },
  coat: {
    subjects: 'animals',
    questions: [
      (s) => `What colour is ${s}?`,
      (s) => `What is the colour of ${s}?`,
      (s) => `What does ${s} look like?`,
    ],
    clause: (s) => `what colour ${s} is`,
    statements: [(s, v) => `${s} is ${v}.`, (s, v) => `The colour of ${s} is ${v}.`],
  },
};

export const ATTRIBUTES = Object.keys(WORDINGS) as readonly AttributeName[];

/** All ways to ask: the direct questions, then the clause in three polite frames. */
export function questionsAbout(world: World, attribute: AttributeName, subject: string): string[] {
  const { questions, clause } = WORDINGS[attribute];
  const named = nameInSentence(world, subject);
  return [
    ...questions.map((ask) => ask(named)),
    `Do you know ${clause(named)}?`,
    `Can you tell me ${clause(named)}?`,
    `Please tell me ${clause(named)}.`,
  ];
}

/** All sentences that tell a value of a subject. */
export function statementsAbout(world: World, attribute: AttributeName, subject: string, value: Value): string[] {
  const named = nameInSentence(world, subject);
  return WORDINGS[attribute].statements.map((tell) => tell(named, value.phrase));
}

/** The name as it stands inside a sentence: shops take an article. */
export function nameInSentence(world: World, subject: string): string {
  return world.shops.includes(subject) ? `the ${subject}` : subject;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function They(pronoun: Pronoun): string {
  return capital(pronoun);
}
