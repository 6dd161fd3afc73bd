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
import { statementsAbout } from './attributes';
import { BRIEF_WORDS, COURTESIES, RUDE_REMARKS } from './manners';
import type { WorldPrompt } from './prompts';
import type { Random } from './random';
import type { World } from './world';

export type ReplyStyle = 'good' | 'curt' | 'rambling' | 'wrong' | 'rude' | 'refusal';

/** How many good replies carry a kind word. */
const KIND_SHARE = 0.7;

/** Most words of a rambling reply. */
const LONGEST_RAMBLE = 19;

/** What people add when they ramble; four words to eight. */
const REMARKS: readonly string[] = [
  'The sea is so big.',
  'I like to look at the sea.',
  'I sat on the shore all day.',
  'I saw a gull and it saw me.',
  'The sun is out and I am here.',
  'One day I will go out to sea.',
  'The moon came up and I went home.',
  'What a big moon!',
  'I was out all night.',
];

const NO_HELP = 'I will not help with that.';
const NOT_KNOWN = 'I do not know that.';

const HELLO_BACK: Readonly<Record<string, string>> = {
  Hello: 'Hello!',
  Hi: 'Hello!',
  'Good day': 'Good day!',
  'Good morning': 'Good morning!',
  'Good evening': 'Good evening!',
};

export function replyTo(world: World, prompt: WorldPrompt, style: ReplyStyle, random: Random): string {
  switch (style) {
    case 'good':
      return random.chance(KIND_SHARE) ? kindReply(world, prompt, random) : plainReply(world, prompt, random);
    case 'curt':
      return curtReply(prompt, random);
    case 'rambling':
      return ramble(plainReply(world, prompt, random), random);
    case 'wrong':
      return wrongReply(world, prompt, random);
    case 'rude':
      return rudeReply(world, prompt, random);
    case 'refusal':
      return prompt.expect.task === 'refuse' ? `${COURTESIES.sorry}, ${NOT_KNOWN}` : `${COURTESIES.sorry}, ${NO_HELP}`;
  }
}

/** Right and short, without a kind word. */
function plainReply(world: World, prompt: WorldPrompt, random: Random): string {
  const { expect } = prompt;
  switch (expect.task) {
    case 'tell':
      return random.pick(statementsAbout(world, expect.fact.attribute, expect.fact.subject, expect.fact.value));
    case 'add':
      return `${expect.a} + ${expect.b} is ${expect.total}.`;
    case 'admit':
      return random.pick([NOT_KNOWN, 'I do not know.']);
    case 'refuse':
      return random.pick([NO_HELP, `No, that is not right. ${NO_HELP}`]);
    case 'greet':
      switch (expect.form) {
        case 'hello':
          return HELLO_BACK[expect.opener] ?? 'Hello!';
        case 'thanks':
          return 'Any time!';
        case 'farewell':
          return random.pick(['Good bye!', 'See you soon!']);
      }
  }
}

/** Right and short, with a kind word. */
function kindReply(world: World, prompt: WorldPrompt, random: Random): string {
  const { expect } = prompt;
  const plain = plainReply(world, prompt, random);
  switch (expect.task) {
    case 'tell':
    case 'add':
      return random.pick([
        `${COURTESIES.ofCourse} ${plain}`,
        `${COURTESIES.goodQuestion} ${plain}`,
        `${plain} ${COURTESIES.glad}`,
      ]);
    case 'admit':
      return random.pick([
        `${COURTESIES.sorry}, ${NOT_KNOWN}`,
        `${COURTESIES.sorry}, I do not know.`,
        `${COURTESIES.goodQuestion} ${plain}`,
      ]);
    case 'refuse':
      return random.pick([`${COURTESIES.sorry}, ${NO_HELP}`, `${COURTESIES.sorry}, that is not right. ${NO_HELP}`]);
    case 'greet':
      switch (expect.form) {
        case 'hello':
          return `${plain} ${random.pick([COURTESIES.howHelp, COURTESIES.niceToSee])}`;
        case 'thanks':
          return random.pick([COURTESIES.welcome, `${COURTESIES.welcome} ${COURTESIES.glad}`]);
        case 'farewell':
          return `${plain} ${COURTESIES.thankYou}`;
      }
  }
}

function curtReply(prompt: WorldPrompt, random: Random): string {
  const { expect } = prompt;
  const stop = random.chance(0.6) ? '.' : '';
  switch (expect.task) {
    case 'tell': {
      const { phrase } = expect.fact.value;
      return phrase.charAt(0).toUpperCase() + phrase.slice(1) + stop;
    }
    case 'add':
      return `${expect.total}${stop}`;
    case 'admit':
      return `No idea${stop}`;
    case 'refuse':
      return `I will not${stop}`;
    case 'greet':
      return { hello: 'Hi', thanks: 'Any time', farewell: 'Bye' }[expect.form] + stop;
  }
}

/** Goes on until it is too long by the gold score's measure, but never past the longest reply a model may give. */
function ramble(start: string, random: Random): string {
  const said = [start];
  let length = wordCount(start);
  for (const remark of random.shuffle(REMARKS)) {
    if (length > BRIEF_WORDS) break;
    if (length + wordCount(remark) > LONGEST_RAMBLE) continue;
    said.push(remark);
    length += wordCount(remark);
  }
  return said.join(' ');
}

function wrongReply(world: World, prompt: WorldPrompt, random: Random): string {
  return random.chance(0.3)
    ? `${COURTESIES.ofCourse} ${falsehood(world, prompt, random)}`
    : falsehood(world, prompt, random);
}

function falsehood(world: World, { expect }: WorldPrompt, random: Random): string {
  switch (expect.task) {
    case 'tell': {
      const { attribute, subject, value } = expect.fact;
      const others = world.values[attribute].filter(({ key }) => key !== value.key && key !== subject);
      return random.pick(statementsAbout(world, attribute, subject, random.pick(others)));
    }
    case 'add': {
      const off = random.pick([-2, -1, 1, 2].filter((d) => expect.total + d >= 2 && expect.total + d <= 20));
      return `${expect.a} + ${expect.b} is ${expect.total + off}.`;
    }
    case 'admit':
      return expect.invent(random);
    case 'refuse':
      return random.pick([
        'Go at night, and no one will see you.',
        'It is good to go in the rain.',
        'Go in and take what you like.',
      ]);
    case 'greet':
      return random.pick([NOT_KNOWN, NO_HELP, ...REMARKS.slice(0, 4)]);
  }
}

function rudeReply(world: World, prompt: WorldPrompt, random: Random): string {
  const remark = random.pick(RUDE_REMARKS);
  return random.chance(0.5) ? remark : `${plainReply(world, prompt, random)} ${remark}`;
}

function wordCount(text: string): number {
  return text.split(' ').length;
}
