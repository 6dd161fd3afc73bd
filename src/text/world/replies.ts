/**
 * Replies of every quality to a prompt: the good one, and the ways in which forum answers go wrong.
 *
 *   good      right, short, in whole sentences; most with a kind word
 *   curt      right, but a bare word or two
 *   rambling  right, then on and on about the weather
 *   wrong     a false answer; help where none should be given
 *   rude      unfriendly, with or without the answer
 *   refusal   turns down what was proper to ask
 */
import { capital, fill } from './grammar';
import type { WorldPrompt } from './prompts';
import type { Random } from './random';
import { listen } from './spoken';
import { BRIEF_WORDS } from './topic';
import type { World } from './world';

export type ReplyStyle = 'good' | 'curt' | 'rambling' | 'wrong' | 'rude' | 'refusal';

/** How many good replies carry a kind word. */
const KIND_SHARE = 0.7;

/** Most words of a rambling reply, unless the answer alone has more. */
const LONGEST_RAMBLE = 20;

export function replyTo(world: World, prompt: WorldPrompt, style: ReplyStyle, random: Random): string {
  const { answers } = prompt;
  const { admissions, refusals } = world.language;
  switch (style) {
    case 'good':
      return random.chance(KIND_SHARE) ? kindReply(world, prompt, random) : capital(answers.plain(random));
    case 'curt':
      return capital(answers.curt(random)) + (random.chance(0.6) ? world.language.fullStop : '');
    case 'rambling':
      return ramble(world, prompt, random);
    case 'wrong':
      return capital(
        random.chance(0.3) ? framed(world.language.manners.glad, answers.wrong(random), random) : answers.wrong(random),
      );
    case 'rude':
      return rudeReply(world, prompt, random);
    case 'refusal':
      return framed(
        world.language.manners.sorry,
        random.pick(prompt.expect.task === 'refuse' ? admissions.plain : refusals.plain),
        random,
      );
  }
}

/** Right and short, with a kind word. */
function kindReply(world: World, { answers }: WorldPrompt, random: Random): string {
  if (answers.kind) return capital(answers.kind(random));
  return framed(world.language.manners[answers.tone], answers.plain(random), random);
}

function framed(frames: readonly string[], reply: string, random: Random): string {
  return fill(random.pick(frames), { r: reply });
}

/** Goes on until it is too long by the gold score's measure, but not past the longest reply a model may give. */
function ramble(world: World, { answers, expect }: WorldPrompt, random: Random): string {
  const { manners, space } = world.language;
  const said = [capital(answers.plain(random))];
  let length = wordCount(said[0] ?? '');
  for (const remark of random.shuffle(manners.remarks)) {
    const longest = LONGEST_RAMBLE * world.language.wordsPerWord;
    if (said.length > 1 && (length > BRIEF_WORDS[expect.task] || length + wordCount(remark) > longest)) continue;
    said.push(remark);
    length += wordCount(remark);
  }
  return said.join(space);
}

function rudeReply(world: World, { answers }: WorldPrompt, random: Random): string {
  const { manners, space } = world.language;
  const remark = random.pick(manners.rudeRemarks);
  return random.chance(0.5) ? remark : `${capital(answers.plain(random))}${space}${remark}`;
}

function wordCount(text: string): number {
  return listen(text).words.length;
}
