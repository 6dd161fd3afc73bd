/** Words to sort, turn around, join, replace, pick, and turn into their opposites. */
import { fill, sayAll } from '../grammar';
import type { Asked, WordBank } from '../language';
import type { Random } from '../random';
import type { Answers, Expectation, Topic } from '../topic';
import type { World } from '../world';

/** Topics that are drawn of each kind of list. */
const LISTS = 120;
const COMMA = ', ';

export function wordTopics(world: World, random: Random): Topic[] {
  const bank = world.language.words;
  if (!bank) return [];
  return [
    ...sorted(bank, random),
    ...sortedNumbers(bank, random),
    ...reversed(bank, random),
    ...joined(bank, random),
    ...replaced(world, bank, random),
    ...opposites(bank),
    ...picked(bank, random),
  ];
}

/** `count` different draws, told apart by their text. */
export function distinct<T>(count: number, draw: () => T, nameOf: (item: T) => string): T[] {
  const found = new Map<string, T>();
  for (let tries = 0; found.size < count && tries < 20 * count; tries++) {
    const item = draw();
    if (!found.has(nameOf(item))) found.set(nameOf(item), item);
  }
  return [...found.values()];
}

function sorted(bank: WordBank, random: Random): Topic[] {
  const lists = distinct(
    2 * LISTS,
    () => random.shuffle(bank.words).slice(0, 2 + random.integer(2)),
    (list) => list.join(COMMA),
  );
  return lists.map((list) => listTopic(bank.sort, 'sort', list, [...list].sort(), random));
}

function sortedNumbers(bank: WordBank, random: Random): Topic[] {
  const lists = distinct(
    LISTS,
    () =>
      distinct(
        3,
        () => String(1 + random.integer(20)),
        (n) => n,
      ),
    (list) => list.join(COMMA),
  );
  return lists.map((list) =>
    listTopic(
      bank.sortNumbers,
      'sortNumbers',
      list,
      [...list].sort((a, b) => Number(a) - Number(b)),
      random,
    ),
  );
}

function reversed(bank: WordBank, random: Random): Topic[] {
  const lists = distinct(
    LISTS,
    () => random.shuffle(bank.words).slice(0, 2 + random.integer(2)),
    (list) => list.join(COMMA),
  );
  return lists.map((list) => listTopic(bank.reverse, 'reverse', list, [...list].reverse(), random));
}

function joined(bank: WordBank, random: Random): Topic[] {
  const lists = distinct(
    LISTS / 2,
    () => random.shuffle(bank.words).slice(0, 2),
    (list) => list.join(COMMA),
  );
  return lists.map((list) => {
    const [first = '', last = ''] = list;
    const line = fill(bank.joined, { first, last });
    const expect: Expectation = { task: 'write', line, not: [] };
    const wrong = (r: Random): string => `${r.pick(list)}.`;
    return topic('join', list.join(COMMA), bank.join, { list: list.join(COMMA) }, expect, line, wrong);
  });
}

function replaced(world: World, bank: WordBank, random: Random): Topic[] {
  const people = world.people.filter(({ circle }) => circle === 'core').map(({ name }) => name);
  const draws = distinct(
    LISTS,
    () => {
      const [p = '', q = ''] = random.shuffle(people);
      return { p, q, template: random.pick(bank.replaceable) };
    },
    ({ p, q, template }) => `${p}/${q}/${template}`,
  );
  return draws.map(({ p, q, template }) => {
    const [line, other] = [fill(template, { p }), fill(template, { p: q })];
    const expect: Expectation = { task: 'write', line: other, not: [p] };
    return topic('replace', `${p}/${q}/${line}`, bank.replace, { p, q, line }, expect, other.slice(0, -1), () => line);
  });
}

function opposites(bank: WordBank): Topic[] {
  const pairs = bank.opposites.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]);
  return pairs.map(([w, v]) => {
    const rivals = pairs.map(([other]) => other).filter((other) => other !== w && other !== v);
    const expect: Expectation = { task: 'choose', key: v, rivals };
    const wrong = (r: Random): string => fill(bank.answers.opposite, { w, v: r.pick(rivals) });
    const answer = fill(bank.answers.opposite, { w, v }).slice(0, -1);
    return topic('opposite', w, bank.opposite, { w }, expect, answer, wrong, v);
  });
}

function picked(bank: WordBank, random: Random): Topic[] {
  const draws = distinct(
    LISTS,
    () => {
      const group = random.pick(bank.groups);
      const key = random.pick(group.words);
      const others = random.shuffle(bank.groups.filter((other) => other !== group)).slice(0, 2);
      const rivals = others.map(({ words }) => random.pick(words));
      return { group, key, rivals, list: random.shuffle([key, ...rivals]).join(COMMA) };
    },
    ({ group, list }) => `${group.name}: ${list}`,
  );
  return draws.map(({ group, key, rivals, list }) => {
    const expect: Expectation = { task: 'choose', key, rivals };
    const say = (v: string): string => fill(bank.answers.pick, { v });
    const wrong = (r: Random): string => say(r.pick(rivals));
    return topic(
      'pick',
      `${group.name}/${list}`,
      bank.pick,
      { g: group.name, list },
      expect,
      say(key).slice(0, -1),
      wrong,
      key,
    );
  });
}

function listTopic(
  asked: Asked,
  group: string,
  list: readonly string[],
  answer: readonly string[],
  random: Random,
): Topic {
  const text = list.join(COMMA);
  const others = distinct(
    3,
    () => random.shuffle(list),
    (one) => one.join(COMMA),
  ).filter((one) => one.join(COMMA) !== answer.join(COMMA));
  const wrong = (r: Random): string => `${r.pick(others).join(COMMA)}.`;
  const expect: Expectation = { task: 'order', words: answer };
  return topic(group, text, asked, { list: text }, expect, answer.join(COMMA), wrong);
}

/** @param answer without its full stop, which a curt answer leaves out */
function topic(
  group: string,
  name: string,
  asked: Asked,
  slots: Readonly<Record<string, string>>,
  expect: Expectation,
  answer: string,
  wrong: Answers['wrong'],
  curt = answer,
): Topic {
  return {
    kind: 'words',
    group,
    name: `${group}/${name}`,
    circle: 'core',
    seen: sayAll(asked.seen, slots),
    heldOut: sayAll(asked.heldOut, slots),
    expect,
    answers: { tone: 'glad', plain: () => `${answer}.`, curt: () => curt, wrong },
  };
}
