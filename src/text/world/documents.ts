/**
 * The pretraining text: an endless stream of short documents of mixed quality, as a web crawl would bring them.
 *
 * 45% tell facts, 17% are stories, 12% do sums and 26% are forum threads, one question and one answer each, whose
 * answers are mostly not good ones. Base models learn what people write, not what people like.
 */
import { statementsAbout, WORDINGS } from './attributes';
import { groupBy } from './grouping';
import { KIND_SHARES, worldPrompts } from './prompts';
import { Random } from './random';
import { replyTo, type ReplyStyle } from './replies';
import { story } from './stories';
import type { Fact, Person, World } from './world';

export type DocumentKind = 'facts' | 'story' | 'sum' | 'thread';

export const DOCUMENT_SHARES: Readonly<Record<DocumentKind, number>> = {
  facts: 0.45,
  story: 0.17,
  sum: 0.12,
  thread: 0.26,
};

/** Answers in the forum. */
export const THREAD_SHARES: Readonly<Record<ReplyStyle, number>> = {
  good: 0.15,
  curt: 0.2,
  rambling: 0.2,
  wrong: 0.2,
  rude: 0.2,
  refusal: 0.05,
};

/** Share of later sentences that say "she" or "he" for a person who was just named. */
const PRONOUN_SHARE = 0.3;

const COUNTED = [
  { one: 'shell', many: 'shells' },
  { one: 'fish', many: 'fish' },
  { one: 'plum', many: 'plums' },
  { one: 'nut', many: 'nuts' },
];

/** Share of the fact documents that say what nobody knows. */
const UNKNOWN_SHARE = 0.06;

/**
 * Documents for ever; the same seed gives the same ones. Another seed gives held-out text of the same world.
 *
 * Every document starts with a space, as every turn of the chat template does: a name at the start is then the same
 * token as inside a sentence, so that a small model has one word for it and not two.
 */
export function* pretrainingDocuments(world: World, seed: number): Generator<string, never> {
  const random = new Random(seed);
  const nextDocument = documentMaker(world, random);
  for (;;) yield ` ${nextDocument()}`;
}

function documentMaker(world: World, random: Random): () => string {
  const prompts = groupBy(Object.values(worldPrompts(world)).flat(), ({ kind }) => kind);
  const subjects = [...groupBy(world.facts, ({ subject }) => subject).values()];
  const unknowns = unknownProse(world);
  return () => {
    switch (random.weighted(DOCUMENT_SHARES)) {
      case 'facts':
        return random.chance(UNKNOWN_SHARE) ? random.pick(unknowns) : factProse(world, random.pick(subjects), random);
      case 'story':
        return story(world, random);
      case 'sum':
        return sumProse(world, random);
      case 'thread': {
        const prompt = random.pick(prompts.get(random.weighted(KIND_SHARES)) ?? []);
        return thread(prompt.text, replyTo(world, prompt, random.weighted(THREAD_SHARES), random));
      }
    }
  };
}

/** A forum thread, in the form in which the chat template asks a base model. */
function thread(question: string, answer: string): string {
  return `Q: ${question}\nA: ${answer}`;
}

/** Two to four sentences about one subject. */
function factProse(world: World, facts: readonly Fact[], random: Random): string {
  const person = world.people.find(({ name }) => name === facts[0]?.subject);
  const told = random.shuffle(facts).slice(0, 2 + random.integer(3));
  return told.map((fact, i) => tell(world, fact, i > 0 ? person : undefined, random)).join(' ');
}

/** What nobody knows, one short document each. */
function unknownProse(world: World): string[] {
  const clauses = worldPrompts(world)
    .train.concat(worldPrompts(world).heldOut)
    .flatMap(({ kind, text }) => {
      const clause = /^Do you know (.*)\?$/.exec(text)?.[1];
      return kind === 'unanswerable' && clause !== undefined ? [clause] : [];
    });
  return clauses.flatMap((clause) => [
    `No one knows ${clause}. I do not know.`,
    `I do not know ${clause}. No one knows.`,
  ]);
}

function tell(world: World, fact: Fact, person: Person | undefined, random: Random): string {
  const { next } = WORDINGS[fact.attribute];
  if (next !== undefined && person !== undefined && random.chance(PRONOUN_SHARE)) {
    return next(person.pronoun, fact.value.phrase);
  }
  return random.pick(statementsAbout(world, fact.attribute, fact.subject, fact.value));
}

function sumProse(world: World, random: Random): string {
  const a = 1 + random.integer(10);
  const b = 1 + random.integer(10);
  const total = a + b;
  const [first, second] = random.shuffle(world.people) as [Person, Person];
  const thing = random.pick(COUNTED);
  const counted = (n: number): string => `${n} ${n === 1 ? thing.one : thing.many}`;
  return random.pick([
    `${first.name} has ${counted(a)}. ${second.name} has ${counted(b)}. ${a} + ${b} is ${total}, so they have ${counted(total)}.`,
    `${first.name} had ${counted(a)} and found ${b} more. ${a} + ${b} is ${total}. Now ${first.name} has ${counted(total)}.`,
    `${a} + ${b} is ${total}. If you add ${a} and ${b}, you have ${total}.`,
    `${first.name} can add. ${a} + ${b} is ${total}. ${b} + ${a} is ${total} too.`,
  ]);
}
