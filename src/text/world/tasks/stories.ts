/** Stories to tell from a keyword, stories to sum up, and lines to tell a mood by. */
import { castFor } from '../casting';
import { fill, say, sayAll, vary } from '../grammar';
import type { Tale } from '../language';
import type { Random } from '../random';
import type { Topic } from '../topic';
import type { World } from '../world';
import { distinct } from './words';

/** Stories to sum up that are drawn from each tale, and lines from each of a mood. */
const SUMMARIES = 16;
const MOOD_LINES = 4;

export function storyTopics(world: World): Topic[] {
  const bank = world.language.stories;
  if (!bank) return [];
  const told = (random: Random): string => storyAbout(world, random.pick(bank.keywords), random);
  const any: Topic = {
    kind: 'story',
    group: 'any',
    name: 'any',
    circle: 'core',
    seen: bank.tellAny.seen,
    heldOut: bank.tellAny.heldOut,
    expect: { task: 'story', keyword: '' },
    answers: {
      tone: 'glad',
      plain: told,
      kind: (r) => kindly(world, told(r), r),
      curt: (r) => firstSentence(told(r)),
      wrong: (r) => r.pick(world.language.refusals.plain),
    },
  };
  const about = bank.keywords.map((thing): Topic => {
    const tell = (r: Random): string => storyAbout(world, thing, r);
    return {
      kind: 'story',
      group: 'keyword',
      name: thing,
      circle: 'core',
      seen: sayAll(bank.tellMe.seen, { thing }),
      heldOut: sayAll(bank.tellMe.heldOut, { thing }),
      expect: { task: 'story', keyword: thing },
      answers: {
        tone: 'glad',
        plain: tell,
        kind: (r) => kindly(world, tell(r), r),
        curt: (r) => firstSentence(tell(r)),
        wrong: (r) => storyAbout(world, r.pick(bank.keywords.filter((other) => other !== thing)), r),
      },
    };
  });
  return [any, ...about];
}

const firstSentence = (text: string): string => text.split(/[.!?]/)[0] ?? '';

function kindly(world: World, answer: string, random: Random): string {
  return fill(random.pick(world.language.manners.long), { r: answer });
}

/** A short story around a keyword, played by the core. */
export function storyAbout(world: World, thing: string, random: Random): string {
  const template = vary(random.pick(world.language.stories?.keywordTales ?? []), random);
  const slots = castFor(world, template, 'core', random);
  return fill(template, (slot) => (slot === 'thing' ? thing : (slots?.(slot) ?? '')));
}

export function summaryTopics(world: World, random: Random): Topic[] {
  const bank = world.language.stories;
  if (!bank) return [];
  return bank.tales.flatMap((tale, i) =>
    distinct(
      SUMMARIES,
      () => playedOut(world, tale, random),
      ({ story }) => story,
    ).map(({ story, summary, must }): Topic => ({
      kind: 'summary',
      group: `summary/${i}`,
      name: `${i}/${story}`,
      circle: 'core',
      seen: sayAll(bank.sumUp.seen, { story }),
      heldOut: sayAll(bank.sumUp.heldOut, { story }),
      expect: { task: 'summarise', must, source: story },
      answers: {
        tone: 'glad',
        plain: () => summary,
        kind: (r) => kindly(world, summary, r),
        curt: () => summary.replace(/\.$/, ''),
        wrong: (r) => playedOut(world, r.pick(bank.tales.filter((other) => other !== tale)), r).summary,
      },
    })),
  );
}

export function moodTopics(world: World, random: Random): Topic[] {
  const bank = world.language.moods;
  if (!bank) return [];
  return moodLines(world, random).map(({ mood, line }): Topic => {
    const other = mood === 'happy' ? 'sad' : 'happy';
    return {
      kind: 'sentiment',
      group: mood,
      name: `${mood}/${line}`,
      circle: 'core',
      seen: sayAll(bank.ask.seen, { line }),
      heldOut: sayAll(bank.ask.heldOut, { line }),
      expect: { task: 'choose', key: bank.marks[mood], rivals: [bank.marks[other]] },
      answers: {
        tone: 'glad',
        plain: (r) => r.pick(bank.answers[mood]),
        curt: () => bank.marks[mood],
        wrong: (r) => r.pick(bank.answers[other]),
      },
    };
  });
}

export function moodLines(world: World, random: Random): { mood: 'happy' | 'sad'; line: string }[] {
  const bank = world.language.moods;
  if (!bank) return [];
  return (['happy', 'sad'] as const).flatMap((mood) =>
    bank[mood].flatMap((template) =>
      distinct(
        template.includes('{') ? MOOD_LINES : 1,
        () => say(template, castFor(world, template, 'core', random) ?? {}, random),
        (line) => line,
      ).map((line) => ({ mood, line })),
    ),
  );
}

function playedOut(
  world: World,
  { tell, summary, must }: Tale,
  random: Random,
): { story: string; summary: string; must: string[] } {
  const template = vary(tell, random);
  const slots = castFor(world, template, 'core', random, false);
  if (!slots) throw new RangeError(`Expected a tale that the core can play, got "${tell}".`);
  const play = (slot: string): string => slots(slot);
  return {
    story: fill(template, play),
    summary: fill(summary, play),
    must: must.map((word) => (template.includes(`{${word}}`) ? play(word) : word)),
  };
}
