/**
 * What people say when they come, thank, and go.
 */
import type { World } from './world';

export type GreetingForm = 'hello' | 'thanks' | 'farewell';

export interface GreetingTopic {
  form: GreetingForm;
  /** The first words, which a reply may give back. */
  opener: string;
  text: string;
}

const HELLOS = ['Hello', 'Hi', 'Good day', 'Good morning', 'Good evening'];
const HELLO_ENDS = [
  '',
  'How are you?',
  'Can you help me?',
  'I am new here.',
  'I am new in town.',
  'I like it here.',
  'What a good day!',
  'The sea is so big.',
  'The sun is out.',
  'Let us talk.',
];
const THANKS = [
  'Thank you!',
  'Thank you so much!',
  'Thank you, my friend!',
  'You are so kind!',
  'That was kind of you!',
];
const THANKS_ENDS = ['', 'Now I know.', 'I like it here.', 'I like you.', 'You are a good friend.', 'I am so happy.'];
const FAREWELLS = ['Bye!', 'Good bye!', 'Good night!', 'Bye, my friend!', 'See you soon!'];
const FAREWELL_ENDS = [
  '',
  'I have to go now.',
  'It is late.',
  'I will go home now.',
  'I will be back soon.',
  'The sun is down.',
];

export function greetingTopics(world: World): GreetingTopic[] {
  const hellos = HELLOS.flatMap((opener) =>
    [`${opener}!`, `${opener}, my friend!`].flatMap((start) =>
      [...HELLO_ENDS, ...world.strangers.map(({ name }) => `I am ${name}.`)].map((end) =>
        topic('hello', opener, start, end),
      ),
    ),
  );
  const thanks = THANKS.flatMap((start) => THANKS_ENDS.map((end) => topic('thanks', start, start, end)));
  const farewells = FAREWELLS.flatMap((start) => FAREWELL_ENDS.map((end) => topic('farewell', start, start, end)));
  return [...hellos, ...thanks, ...farewells];
}

function topic(form: GreetingForm, opener: string, start: string, end: string): GreetingTopic {
  return { form, opener, text: end === '' ? start : `${start} ${end}` };
}
