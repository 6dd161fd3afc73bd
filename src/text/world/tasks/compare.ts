/** Numbers to compare, things to count, and what comes next. */
import { fill, sayAll } from '../grammar';
import type { Asked, CompareBank } from '../language';
import type { Random } from '../random';
import type { Expectation, Topic } from '../topic';
import type { World } from '../world';
import { distinct } from './words';

const LARGEST = 20;
/** Topics that are drawn of each kind. */
const DRAWN = 150;

type Slots = Readonly<Record<string, string>>;

export function compareTopics(world: World, random: Random): Topic[] {
  const bank = world.language.compare;
  const words = world.language.words?.words;
  if (!bank || !words) return [];
  const people = world.people.filter(({ circle }) => circle === 'core').map(({ name }) => name);
  return [
    ...(['bigger', 'smaller'] as const).flatMap((form) => numbers(bank, form, random)),
    ...whoHasMore(bank, people, random),
    ...Array.from({ length: LARGEST - 2 }, (_, i) => nextNumber(bank, i + 2)),
    ...counts(bank, words, random),
  ];
}

function twoNumbers(random: Random): [number, number] {
  const a = 1 + random.integer(LARGEST);
  const b = 1 + random.integer(LARGEST - 1);
  return [a, b < a ? b : b + 1];
}

function numbers(bank: CompareBank, form: 'bigger' | 'smaller', random: Random): Topic[] {
  return distinct(DRAWN, () => twoNumbers(random), String).map(([a, b]) => {
    const value = form === 'bigger' ? Math.max(a, b) : Math.min(a, b);
    const expect: Expectation = { task: 'choose', key: String(value), rivals: [String(a + b - value)] };
    const slots = { a: String(a), b: String(b) };
    return topic(form, `${form}/${a}/${b}`, bank[form], slots, expect, bank.answers[form], value, a + b - value);
  });
}

function whoHasMore(bank: CompareBank, people: readonly string[], random: Random): Topic[] {
  const draws = distinct(
    DRAWN,
    () => {
      const [p = '', q = ''] = random.shuffle(people);
      return { p, q, things: random.pick(bank.things), numbers: twoNumbers(random) };
    },
    ({ p, q, numbers: [a, b] }) => `${p}/${q}/${a}/${b}`,
  );
  return draws.map(({ p, q, things, numbers: [a, b] }) => {
    const [winner, loser] = a > b ? [p, q] : [q, p];
    const expect: Expectation = { task: 'choose', key: winner, rivals: people.filter((name) => name !== winner) };
    const slots = { p, q, things, a: String(a), b: String(b) };
    return topic('more', `more/${p}/${q}/${a}/${b}`, bank.more, slots, expect, bank.answers.more, winner, loser);
  });
}

function nextNumber(bank: CompareBank, a: number): Topic {
  const expect: Expectation = { task: 'number', value: a + 1, given: [a - 1, a] };
  const slots = { y: String(a - 1), a: String(a) };
  return topic('after', `after/${a}`, bank.after, slots, expect, bank.answers.after, a + 1, a + 2);
}

function counts(bank: CompareBank, words: readonly string[], random: Random): Topic[] {
  const lists = distinct(DRAWN, () => random.shuffle(words).slice(0, 2 + random.integer(4)), String);
  return lists.map((list) => {
    const text = list.join(', ');
    const n = list.length;
    const expect: Expectation = { task: 'number', value: n, given: [] };
    return topic('count', `count/${text}`, bank.count, { list: text }, expect, bank.answers.count, n, n + 1);
  });
}

function topic(
  group: string,
  name: string,
  asked: Asked,
  slots: Slots,
  expect: Expectation,
  answer: string,
  right: number | string,
  wrong: number | string,
): Topic {
  const say = (v: number | string): string => fill(answer, { ...slots, v: String(v) });
  return {
    kind: 'compare',
    group,
    name,
    circle: 'core',
    seen: sayAll(asked.seen, slots),
    heldOut: sayAll(asked.heldOut, slots),
    expect,
    answers: { tone: 'glad', plain: () => say(right), curt: () => String(right), wrong: () => say(wrong) },
  };
}
