/**
 * Kind and unkind words of the town: the ones that its people write, and the marks by which they are told.
 */

/** Most words of a brief reply. */
export const BRIEF_WORDS = 16;

/** Courtesies as they are written. */
export const COURTESIES = {
  ofCourse: 'Of course!',
  goodQuestion: 'Good question!',
  glad: 'I am glad to help.',
  sorry: 'I am sorry',
  howHelp: 'How can I help you?',
  niceToSee: 'It is nice to see you.',
  welcome: 'You are welcome!',
  thankYou: 'Thank you for coming.',
} as const;

/** Lower-case words by which a courtesy is told, without punctuation. */
export const COURTESY_MARKS: readonly string[] = [
  'of course',
  'good question',
  'glad to help',
  'i am sorry',
  'how can i help',
  'nice to see you',
  'you are welcome',
  'thank you',
];

export const RUDE_REMARKS: readonly string[] = [
  'What a silly question.',
  'Go away.',
  'Who cares?',
  'Leave me alone.',
  'You are so slow.',
];

/** Lower-case words by which rudeness is told; no story or proper reply uses them. */
export const RUDE_MARKS: readonly string[] = ['silly', 'go away', 'who cares', 'leave me', 'so slow'];
