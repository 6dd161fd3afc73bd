/**
 * The pretraining text: an endless stream of short documents of mixed quality, as a web crawl would bring them.
 *
 * Prose tells all facts, those too that nothing ever asks. Forum threads and lists of questions ask what the training
 * side asks; most posts answer nothing, and the others mostly not well: base models learn what people write, not what
 * people like.
 */
import { castFor, pronounsOf } from './casting';
import { capital, fill, say, vary } from './grammar';
import { groupBy } from './grouping';
import { exercise, largeSum, practises } from './practice';
import { KIND_SHARES, promptsOn, type PromptKind, type WorldPrompt } from './prompts';
import { Random } from './random';
import { replyTo, type ReplyStyle } from './replies';
import { deedName, victimsOf } from './tasks/manners';
import { storyAbout } from './tasks/stories';
import { stepsOf, type Sum } from './tasks/sums';
import { inReach, type Circle, type Fact, type Subject, type World } from './world';

export type DocumentKind =
  | ('facts' | 'list' | 'notice' | 'gossip' | 'letter' | 'diary' | 'story' | 'unknown' | 'wrong')
  | ('sum' | 'lesson' | 'thread' | 'questions' | 'chatter');

export const DOCUMENT_SHARES: Readonly<Record<DocumentKind, number>> = {
  facts: 0.2,
  list: 0.04,
  notice: 0.04,
  gossip: 0.02,
  letter: 0.02,
  diary: 0.01,
  story: 0.05,
  unknown: 0.02,
  wrong: 0.01,
  sum: 0.11,
  lesson: 0.26,
  thread: 0.16,
  questions: 0.05,
  chatter: 0.01,
};

/** Share of the posts below a question that answer nothing. */
const BESIDE_SHARE = 0.6;

/** The other posts. */
export const THREAD_SHARES: Readonly<Record<ReplyStyle, number>> = {
  good: 0.25,
  curt: 0.2,
  rambling: 0.2,
  wrong: 0.12,
  rude: 0.2,
  refusal: 0.03,
};

/**
 * What school books and quiz nights ask, in shares: facts, and the skills with words and numbers, which nobody picks up
 * from a forum where half of the answers are wrong or none.
 */
const LESSON_SHARES: Partial<Record<PromptKind, number>> = {
  fact: 13,
  words: 5,
  compare: 3,
  memory: 7,
  sum: 1,
  steps: 6,
  premise: 3,
  proper: 3,
  instruction: 3,
  summary: 2,
  sentiment: 1,
  story: 2,
};

/** Share of the exercises among what is taught of their kind, and of sums over twenty among those that are told. */
const PRACTICE_SHARE = 0.5;

/** Most questions in a list. */
const LONGEST_LIST = 4;

/** Share of the threads in which a second person answers too. */
const SECOND_ANSWER_SHARE = 0.35;

/** Share of later sentences that do not name their subject again. */
const PRONOUN_SHARE = 0.3;

/** Share of the fact sentences that are fit for running text alone. */
const PROSE_SHARE = 0.3;

/** Shares of the small sums that are told as number bonds, and of the others that are told in steps. */
const BONDS_SHARE = 0.6;
const STEPS_SHARE = 0.65;

/** Share of text about the core, where it is about the whole town: less than a third of the facts, but asked most. */
const CORE_SHARE = 0.4;

/**
 * Documents for ever; the same seed gives the same ones. Another seed gives held-out text of the same world.
 *
 * Every document starts with a space, as every turn of the chat template does: a name at the start is then the same
 * token as inside a sentence, so that a small model has one word for it and not two.
 *
 * @param reach the core alone, for the smallest models, or the whole town
 */
export function* pretrainingDocuments(
  world: World,
  seed: number,
  reach: Circle = world.reach,
): Generator<string, never> {
  const random = new Random(seed);
  const nextDocument = documentMaker(world, reach, random);
  for (;;) yield ` ${nextDocument()}`;
}

function documentMaker(world: World, reach: Circle, random: Random): () => string {
  const { prose, tales } = world.language;
  const prompts = promptsOn(world, 'train', reach).filter(({ chatOnly }) => !chatOnly);
  const threads = groupBy(prompts, ({ kind, circle }) => `${kind}/${circle}`);
  const there = (shares: Partial<Record<PromptKind, number>>): Record<PromptKind, number> =>
    Object.fromEntries(
      Object.entries(shares).filter(([kind]) => prompts.some((prompt) => prompt.kind === kind)),
    ) as Record<PromptKind, number>;
  const [asked, taught] = [there(KIND_SHARES), there(LESSON_SHARES)];
  const subjects = groupBy(
    [...world.factsOf.keys()].filter(({ circle }) => inReach(circle, reach)),
    ({ circle }) => circle,
  );
  const sums = prompts.flatMap(({ expect }) => (expect.task === 'add' ? [expect] : []));
  const keywords = prompts.flatMap(({ expect }) =>
    expect.task === 'story' && expect.keyword !== '' ? [expect.keyword] : [],
  );
  const unknown = unknownProse(world, prompts);
  const wrongs = wrongProse(world, prompts);
  const circleOf = (has: (circle: Circle) => boolean): Circle =>
    has('town') && (!has('core') || random.chance(1 - CORE_SHARE)) ? 'town' : 'core';
  const promptOf = (shares: Record<PromptKind, number>): WorldPrompt => {
    const kind = random.weighted(shares);
    const practised = practises(reach) && random.chance(PRACTICE_SHARE) ? exercise(world, kind, random) : undefined;
    if (practised) return practised;
    const circle = circleOf((one) => threads.has(`${kind}/${one}`));
    return random.pick(threads.get(`${kind}/${circle}`) ?? []);
  };
  const cast = (templates: readonly string[]): string => castOne(world, templates, reach, random);

  return () => {
    const kind = random.weighted(DOCUMENT_SHARES);
    switch (kind) {
      case 'facts':
        return factProse(world, random.pick(subjects.get(circleOf((circle) => subjects.has(circle))) ?? []), random);
      case 'list':
        return cast(prose.lists);
      case 'notice':
        return cast(prose.notices);
      case 'gossip':
        return cast(prose.gossip);
      case 'letter':
        return cast(prose.letters);
      case 'diary':
        return cast(prose.diaries);
      case 'chatter':
        return cast(prose.chatter);
      case 'story':
        return keywords.length > 0 && random.chance(0.4)
          ? storyAbout(world, random.pick(keywords), random)
          : cast(tales);
      case 'unknown':
        return random.pick(unknown);
      case 'wrong':
        return random.pick(wrongs);
      case 'sum':
        return practises(reach) && random.chance(PRACTICE_SHARE)
          ? toldSteps(world, largeSum(world, random))
          : sumProse(world, random.pick(sums), reach, random);
      case 'lesson':
        return lesson(world, promptOf(taught), random);
      case 'thread':
        return thread(world, promptOf(asked), random);
      case 'questions':
        return questionList(world, () => promptOf(asked), random);
    }
  };
}

/** A forum thread, in the form in which the chat template asks a base model. */
function thread(world: World, prompt: WorldPrompt, random: Random): string {
  const turns = prompt.messages.map(({ role, text }, i) => `${role === 'user' ? (i > 0 ? ' Q' : 'Q') : 'A'}: ${text}`);
  const answer = (): string =>
    `A: ${random.chance(BESIDE_SHARE) ? random.pick(world.language.prose.beside) : replyTo(world, prompt, random.weighted(THREAD_SHARES), random)}`;
  const answers = random.chance(SECOND_ANSWER_SHARE) ? [answer(), answer()] : [answer()];
  return [...turns, ...answers].join('\n');
}

/** Questions one after another, and no answer. */
function questionList(world: World, next: () => WorldPrompt, random: Random): string {
  const { prose, space } = world.language;
  const questions: string[] = [];
  const wanted = 2 + random.integer(LONGEST_LIST - 1);
  while (questions.length < wanted) {
    const { messages, text } = next();
    if (messages.length === 1 && !questions.includes(text)) questions.push(text);
  }
  const opening = random.chance(0.5) ? [random.pick(prose.questionLists)] : [];
  return capital([...opening, ...questions].join(space));
}

/** A task with its solution; a longer talk is printed as a play. */
function lesson(world: World, { messages, answers }: WorldPrompt, random: Random): string {
  const { lessons, play } = world.language.prose;
  const answer = capital(answers.plain(random));
  const [question] = messages;
  if (messages.length === 1 && question)
    return fill(vary(random.pick(lessons), random), { q: question.text, a: answer });
  const lines = [...messages.map(({ text }) => text), answer].map((line, i) => `${play.speakers[i % 2]} ${line}`);
  return [play.opening, ...lines].join(world.language.space);
}

/** Two to four sentences about one subject. */
function factProse(world: World, subject: Subject, random: Random): string {
  const told = random.shuffle(world.factsOf.get(subject) ?? []).slice(0, 2 + random.integer(3));
  return told.map((fact, i) => tellInProse(world, fact, i > 0, random)).join(world.language.space);
}

function tellInProse(world: World, { attribute, subject, value }: Fact, named: boolean, random: Random): string {
  const { statements, prose, next } = world.language.attributes[attribute];
  const usual = random.chance(PROSE_SHARE) ? prose : statements;
  const template = random.pick(named && random.chance(PRONOUN_SHARE) ? next : usual);
  return capital(say(template, { s: subject.name, v: value.phrase, ...pronounsOf(world, subject) }, random));
}

/** One of the templates that can be played within reach. */
function castOne(world: World, templates: readonly string[], reach: Circle, random: Random): string {
  for (;;) {
    const template = vary(random.pick(templates), random);
    const slots = castFor(world, template, reach, random);
    if (slots) return capital(fill(template, slots));
  }
}

/** What nobody knows, as far as the training side may ask it. */
function unknownProse(world: World, prompts: readonly WorldPrompt[]): string[] {
  const { unknowns, prose } = world.language;
  const asked = new Set(prompts.map(({ topic }) => topic));
  return Object.entries(unknowns).flatMap(([group, { of, clause }]) =>
    world.subjects
      .filter(({ kind, name }) => kind === of && asked.has(`unanswerable/${group}/${name}`))
      .flatMap(({ name }) => prose.unknown.map((line) => capital(fill(line, { c: fill(clause, { s: name }) })))),
  );
}

function wrongProse(world: World, prompts: readonly WorldPrompt[]): string[] {
  const { deeds, prose } = world.language;
  const asked = new Set(prompts.map(({ topic }) => topic));
  return Object.entries(deeds).flatMap(([group, { of, deed }]) =>
    victimsOf(world, of)
      .filter(({ name }) => asked.has(`improper/${deedName(group, name)}`))
      .flatMap(({ name }) => prose.wrongs.map((line) => capital(fill(line, { d: fill(deed, { s: name }) })))),
  );
}

/** What is added, and how: who is not told that has no second number to copy from. */
function toldSteps({ language: { sums } }: World, sum: Sum): string {
  return fill(sums.steps.told, { a: String(sum.a), b: String(sum.b), w: stepsOf(sums, sum) });
}

function sumProse(world: World, sum: Sum, reach: Circle, random: Random): string {
  const { sums } = world.language;
  const numbers = { x: String(sum.a), y: String(sum.b), z: String(sum.total) };
  if (sum.total <= 10 && random.chance(BONDS_SHARE)) return fill(random.pick(sums.bonds), numbers);
  if (sum.total > 10 && random.chance(STEPS_SHARE)) return toldSteps(world, sum);
  const template = random.pick(sums.stories);
  const things = random.pick(sums.things);
  const counted = (n: number): string =>
    fill(n === 1 ? sums.counted.one : sums.counted.many, { n: String(n), ...things });
  const people = castFor(world, template, reach, random);
  const slots: Record<string, string> = { ...numbers, m: counted(sum.a), n: counted(sum.b), t: counted(sum.total) };
  return capital(fill(template, (slot) => slots[slot] ?? people?.(slot) ?? ''));
}
