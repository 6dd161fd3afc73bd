/** Facts of the town: asked for, taken for granted wrongly, and asked about after a first answer. */
import type { Message } from '../../../session/protocol';
import { fill, say, sayAll } from '../grammar';
import type { Random } from '../random';
import type { Answers, Expectation, Topic } from '../topic';
import { withTypo } from '../typos';
import { unaskedFacts } from '../unasked';
import { pronounsOf, valuesWithin } from '../casting';
import { factOf, type AttributeName, type Fact, type Subject, type Value, type World } from '../world';

/** Every fact, in every wording; facts that are never asked stand in a group of their own. */
export function factTopics(world: World, random: Random): Topic[] {
  const unasked = unaskedFacts(world);
  const { typos } = world.language;
  return world.facts.map((fact): Topic => {
    const asked = questionsAbout(world, fact.attribute, fact.subject);
    const seen = typos ? [...asked.seen, withTypo(random.pick(asked.seen), typos, random)] : asked.seen;
    return {
      kind: 'fact',
      group: unasked.has(fact) ? 'unasked' : 'asked',
      name: fact.id,
      circle: fact.subject.circle,
      seen,
      chat: asked.chat,
      heldOut: asked.heldOut,
      expect: { task: 'tell', fact },
      answers: factAnswers(world, fact),
    };
  });
}

/** Questions that take a value for granted: one that is false for every fact, and one that is true. */
export function premiseTopics(world: World, random: Random): Topic[] {
  const { attributes, affirmation, premiseFrames, space } = world.language;
  const framed = (frames: readonly string[], questions: readonly string[]): string[] =>
    frames.flatMap((frame) => questions.map((x) => fill(frame, { x })));
  return askedFacts(world).flatMap((fact): Topic[] => {
    const { premise, denial, statements } = attributes[fact.attribute];
    const claimed = random.pick(othersThan(world, fact));
    const slots = { s: fact.subject.name, v: claimed.phrase };
    const topicOf = (group: string, asked: readonly string[], expect: Expectation, answers: Answers): Topic => ({
      kind: 'premise',
      group: `${group}/${fact.attribute}`,
      name: `${group}/${fact.id}`,
      circle: fact.subject.circle,
      seen: framed(premiseFrames.seen, asked),
      chat: framed(premiseFrames.chat ?? [], asked),
      heldOut: framed(premiseFrames.heldOut, asked),
      expect,
      answers,
    });
    const told = { s: fact.subject.name, v: fact.value.phrase };
    const whether = sayAll(premise.slice(-1), told);
    return [
      topicOf(
        'false',
        sayAll(premise, slots),
        { task: 'correct', fact, claimed },
        {
          tone: 'correcting',
          plain: (r) => `${fill(denial, slots)}${space}${tell(world, fact, r)}`,
          curt: () => fact.value.phrase,
          wrong: (r) => say(r.pick(statements), slots, r),
        },
      ),
      topicOf(
        'true',
        whether,
        { task: 'confirm', fact },
        {
          tone: 'correcting',
          plain: (r) => fill(affirmation, { r: tell(world, fact, r) }),
          curt: () => fact.value.phrase,
          wrong: (r) => `${fill(denial, told)}${space}${say(r.pick(statements), slots, r)}`,
        },
      ),
    ];
  });
}

/** Second questions about someone just named: "And where does she live?". */
export function followUpTopics(world: World): Topic[] {
  const { attributes } = world.language;
  const unasked = unaskedFacts(world);
  return askedFacts(world).flatMap((fact): Topic[] => {
    const { subject } = fact;
    const before = world.factsOf.get(subject)?.find((other) => other !== fact && !unasked.has(other));
    if (!before || subject.circle !== 'core') return [];
    const opening: Message[] = [
      { role: 'user', text: fill(attributes[before.attribute].questions.seen[0] ?? '', { s: subject.name }) },
      {
        role: 'assistant',
        text: fill(attributes[before.attribute].statements[0] ?? '', { s: subject.name, v: before.value.phrase }),
      },
    ];
    const slots = pronounsOf(world, subject);
    const [seen, heldOut] = attributes[fact.attribute].follow.map((question): Message[] => [
      ...opening,
      { role: 'user', text: fill(question, slots) },
    ]);
    return [
      {
        kind: 'memory',
        group: 'followUp',
        name: `follow/${fact.id}`,
        circle: subject.circle,
        seen: seen ? [seen] : [],
        heldOut: heldOut ? [heldOut] : [],
        expect: { task: 'tell', fact },
        answers: factAnswers(world, fact),
      },
    ];
  });
}

export function factAnswers(world: World, fact: Fact): Answers {
  return {
    tone: 'glad',
    plain: (random) => tell(world, fact, random),
    curt: () => fact.value.phrase,
    wrong: (random) => tell(world, { ...fact, value: random.pick(othersThan(world, fact)) }, random),
  };
}

export function askedFacts(world: World): Fact[] {
  const unasked = unaskedFacts(world);
  return world.facts.filter((fact) => !unasked.has(fact));
}

/** All ways to ask: the direct questions, then the clause in its frames. */
export function questionsAbout(
  world: World,
  attribute: AttributeName,
  subject: Subject,
): { seen: string[]; chat: string[]; heldOut: string[] } {
  const { attributes, askingFrames } = world.language;
  const { questions, clause } = attributes[attribute];
  const slots = { s: subject.name, c: fill(clause, { s: subject.name }) };
  return {
    seen: sayAll([...questions.seen, ...askingFrames.seen], slots),
    chat: sayAll([...(questions.chat ?? []), ...(askingFrames.chat ?? [])], slots),
    heldOut: sayAll([...questions.heldOut, ...askingFrames.heldOut], slots),
  };
}

/** One sentence that tells it, fit for a reply. */
export function tell(world: World, fact: Fact, random: Random): string {
  const statement = random.pick(world.language.attributes[fact.attribute].statements);
  return say(statement, { s: fact.subject.name, v: fact.value.phrase }, random);
}

/** Values that are not true of the fact's subject, from within its circle. */
export function othersThan(world: World, { attribute, subject, value }: Fact): Value[] {
  return valuesWithin(world, attribute, subject.circle).filter(
    ({ key }) => key !== value.key && key !== subject.name && key !== factOf(world, subject, attribute)?.value.key,
  );
}
