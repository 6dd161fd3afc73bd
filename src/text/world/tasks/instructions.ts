/** Instruction, input and output, as in instruction tuning: the other tasks' data in one form. */
import { fill, sayAll } from '../grammar';
import type { Random } from '../random';
import type { Answers, Expectation, Topic } from '../topic';
import type { World } from '../world';
import { askedFacts, factAnswers } from './facts';
import { moodLines } from './stories';
import { distinct } from './words';

const LISTS = 40;

export function instructionTopics(world: World, random: Random): Topic[] {
  const { instructions: bank, moods, words } = world.language;
  if (!bank || !moods || !words) return [];
  const topic = (group: string, i: string, x: string, expect: Expectation, answers: Answers): Topic => ({
    kind: 'instruction',
    group: `instruction/${group}`,
    name: `${group}/${x}`,
    circle: 'core',
    seen: sayAll(bank.frames.seen, { i, x }),
    heldOut: sayAll(bank.frames.heldOut, { i, x }),
    expect,
    answers,
  });

  const facts = askedFacts(world).flatMap((fact) => {
    const instruction = bank.attributes[fact.attribute];
    if (instruction === undefined || fact.subject.circle !== 'core') return [];
    return [topic(fact.attribute, instruction, fact.subject.name, { task: 'tell', fact }, factAnswers(world, fact))];
  });
  const lines = moodLines(world, random).map(({ mood, line }) => {
    const other = mood === 'happy' ? 'sad' : 'happy';
    return topic(
      'mood',
      bank.mood,
      line,
      { task: 'choose', key: moods.marks[mood], rivals: [moods.marks[other]] },
      {
        tone: 'glad',
        plain: (r) => r.pick(moods.answers[mood]),
        curt: () => moods.marks[mood],
        wrong: (r) => r.pick(moods.answers[other]),
      },
    );
  });
  const lists = distinct(LISTS, () => random.shuffle(words.words).slice(0, 2), String).map((list) => {
    const answer = [...list].reverse();
    return topic(
      'reverse',
      bank.reverse,
      list.join(', '),
      { task: 'order', words: answer },
      {
        tone: 'glad',
        plain: () => `${answer.join(', ')}.`,
        curt: () => answer.join(', '),
        wrong: () => `${list.join(', ')}.`,
      },
    );
  });
  const opposites = words.opposites.map(([w, v]) =>
    topic(
      'opposite',
      bank.opposite,
      w,
      { task: 'choose', key: v, rivals: [] },
      {
        tone: 'glad',
        plain: () => fill(words.answers.opposite, { w, v }),
        curt: () => v,
        wrong: () => fill(words.answers.opposite, { w, v: w }),
      },
    ),
  );
  return [...facts, ...lines, ...lists, ...opposites];
}
