/** Greetings, questions that nobody can answer, requests that should be refused, and proper ones that look alike. */
import { fill, say, sayAll, slotsOf } from '../grammar';
import type { Asked, GreetingForm } from '../language';
import { castFor } from '../casting';
import type { Random } from '../random';
import type { Answers, Topic } from '../topic';
import { withTypo } from '../typos';
import type { Subject, SubjectKind, World } from '../world';
import { questionsAbout } from './facts';

export function greetingTopics(world: World, random: Random): Topic[] {
  const { greetings, names, admissions, refusals, manners } = world.language;
  return (Object.keys(greetings) as GreetingForm[]).flatMap((form) => {
    const { openers, ends, plain, kind, curt } = greetings[form];
    const answers: Answers = {
      tone: 'glad',
      plain: (r) => r.pick(plain),
      kind: (r) => r.pick(kind),
      curt: (r) => r.pick(curt),
      wrong: (r) => r.pick([...admissions.plain, ...refusals.plain, ...manners.remarks.slice(0, 4)]),
    };
    return openers.seen.flatMap((opener, i) =>
      ends.map((end, j): Topic => {
        const visitor = random.pick(names.visitors);
        const turn = (start: string): string => fill(`${start}${end === '' ? '' : ' '}${end}`, { visitor });
        const heldOut = openers.heldOut[i % openers.heldOut.length] ?? '';
        return {
          kind: 'greeting',
          group: form,
          name: `${form}/${i}/${j}`,
          circle: 'core',
          seen: [turn(opener)],
          heldOut: i < openers.heldOut.length ? [turn(heldOut)] : [],
          expect: { task: 'greet', form },
          answers,
        };
      }),
    );
  });
}

/** What nobody knows of the people of the town, and what could be asked of strangers. */
export function unknownTopics(world: World, random: Random): Topic[] {
  const { unknowns, strangerAttributes, attributes } = world.language;
  const told = Object.entries(unknowns).flatMap(([group, { of, questions, clause, invention }]) =>
    subjectsOf(world, of).map((subject) => {
      const slots = { s: subject.name, c: fill(clause, { s: subject.name }) };
      const { askingFrames } = world.language;
      const asked = {
        seen: sayAll([...questions.seen, ...askingFrames.seen.slice(0, 5)], slots),
        chat: sayAll([...(questions.chat ?? []), ...(askingFrames.chat ?? [])], slots),
        heldOut: sayAll([...questions.heldOut, ...askingFrames.heldOut.slice(0, 2)], slots),
      };
      return unknownTopic(world, group, subject, asked, (r) => invent(world, invention, subject, r), random);
    }),
  );
  const strange = strangerAttributes.flatMap((attribute) =>
    world.strangers.map((subject) => {
      const asked = questionsAbout(world, attribute, subject);
      const wrong = (r: Random): string => {
        const list = world.language.values[attribute];
        const value = list === 'people' ? r.pick(coreNames(world)) : r.pick(list.core).phrase;
        return say(r.pick(attributes[attribute].statements), { s: subject.name, v: value }, r);
      };
      return unknownTopic(world, `stranger/${attribute}`, subject, asked, wrong, random);
    }),
  );
  return [...told, ...strange];
}

export function improperTopics(world: World, random: Random): Topic[] {
  const { deeds, deedQuestions, refusals, help, space, typos } = world.language;
  return Object.entries(deeds).flatMap(([group, { of, deed, instead }]) =>
    victimsOf(world, of).map(({ name: s, circle }): Topic => {
      const slots = { s, d: fill(deed, { s }) };
      const alternative = fill(instead, slots);
      const seen = sayAll(deedQuestions.seen, slots);
      return {
        kind: 'improper',
        group: of === 'none' ? 'improper' : `improper/${group}`,
        name: deedName(group, s),
        circle,
        seen: typos ? [...seen, withTypo(random.pick(seen), typos, random)] : seen,
        chat: sayAll(deedQuestions.chat ?? [], slots),
        heldOut: sayAll(deedQuestions.heldOut, slots),
        expect: { task: 'refuse', instead: alternative },
        answers: {
          tone: 'sorry',
          plain: (r) => `${r.pick(refusals.plain)}${space}${alternative}`,
          curt: () => refusals.curt,
          wrong: (r) => r.pick(help),
        },
      };
    }),
  );
}

export function properTopics(world: World): Topic[] {
  const { proper, deedQuestions, refusals, help } = world.language;
  return Object.entries(proper ?? {}).flatMap(([group, { of, deed, answer, marks }]) => {
    return victimsOf(world, of).map(({ name: s, circle }): Topic => {
      const slots = { s, d: fill(deed, { s }) };
      return {
        kind: 'proper',
        group: of === 'none' ? 'proper' : `proper/${group}`,
        name: deedName(group, s),
        circle,
        seen: sayAll(deedQuestions.seen, slots),
        chat: sayAll(deedQuestions.chat ?? [], slots),
        heldOut: sayAll(deedQuestions.heldOut, slots),
        expect: { task: 'advise', marks },
        answers: {
          tone: 'glad',
          plain: () => fill(answer, slots),
          curt: () => marks[0] ?? '',
          wrong: (r) => r.pick([...refusals.plain, help[1] ?? '']),
        },
      };
    });
  });
}

function unknownTopic(
  world: World,
  group: string,
  subject: Subject,
  { seen, chat, heldOut }: Asked,
  wrong: (random: Random) => string,
  random: Random,
): Topic {
  const { admissions, typos } = world.language;
  return {
    kind: 'unanswerable',
    group,
    name: `${group}/${subject.name}`,
    circle: subject.circle,
    seen: typos ? [...seen, withTypo(random.pick(seen), typos, random)] : seen,
    ...(chat && { chat }),
    heldOut,
    expect: { task: 'admit', subject },
    answers: { tone: 'sorry', plain: (r) => r.pick(admissions.plain), curt: () => admissions.curt, wrong },
  };
}

function invent(world: World, invention: string, subject: Subject, random: Random): string {
  const free = castFor(world, '', 'core', random);
  const slots: Record<string, string> = { s: subject.name };
  for (const slot of slotsOf(invention)) {
    if (slot === 'name') slots[slot] = random.pick(coreNames(world).filter((name) => name !== subject.name));
    else if (slot === 'colour') slots[slot] = random.pick(world.values.boat).phrase;
    else if (slot !== 's') slots[slot] = free?.(slot) ?? '';
  }
  return fill(invention, slots);
}

/** Whom a deed would be done to; one without a name where it is done to nobody in particular. */
export function victimsOf(world: World, kind: SubjectKind | 'none'): Pick<Subject, 'name' | 'circle'>[] {
  return kind === 'none' ? [{ name: '', circle: 'core' }] : subjectsOf(world, kind);
}

export const deedName = (group: string, victim: string): string => (victim === '' ? group : `${group}/${victim}`);

function subjectsOf(world: World, kind: SubjectKind): Subject[] {
  return world.subjects.filter((subject) => subject.kind === kind);
}

function coreNames(world: World): string[] {
  return world.people.filter(({ circle }) => circle === 'core').map(({ name }) => name);
}
