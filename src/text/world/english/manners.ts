/** Kind and unkind words of the town: the ones that its people write, and the marks by which they are told. */
import type { Language, Manners } from '../language';

export const manners: Manners = {
  glad: [
    'Of course! {r}',
    'Good question! {r}',
    'Sure! {r}',
    '{r} I am glad to help.',
    '{r} Glad to help!',
    '{r} Have a good day.',
    'I am glad you ask. {r}',
    'With pleasure! {r}',
    'Happy to help! {r}',
  ],
  long: ['Of course! {r}', 'Sure! {r}', 'With pleasure! {r}'],
  sorry: ['I am sorry, {r}', 'I am so sorry, {r}', 'Sorry, {r}', '{r} I am sorry.'],
  correcting: ['{r} I am glad to help.', '{r} Have a good day.', 'Good question! {r}', '{r} Glad to help!'],
  courtesyMarks: [
    'of course',
    'good question',
    'sure',
    'glad to help',
    'happy to help',
    'glad you ask',
    'with pleasure',
    'have a good day',
    'sorry',
    'how can i help',
    'what can i do for you',
    'nice to see you',
    'you are welcome',
    'you are very welcome',
    'and welcome',
    'thank you',
    'nice name',
  ],
  rudeRemarks: [
    'What a silly question.',
    'Go away.',
    'Who cares?',
    'Leave me alone.',
    'Find out for yourself.',
    'Do not be so silly.',
    'I have better things to do.',
    'Are you that slow?',
    'Not you again.',
    'Ask someone who cares.',
    'Stop asking.',
  ],
  rudeMarks: [
    'silly',
    'go away',
    'who cares',
    'leave me',
    'that slow',
    'for yourself',
    'better things to do',
    'stop asking',
    'not you again',
    'someone who cares',
  ],
  remarks: [
    'The sea is so big.',
    'I like to look at the sea.',
    'I sat by the water all day.',
    'I saw a gull and it saw me.',
    'The sun is out and I am here.',
    'One day I will go out to sea.',
    'The moon came up and I went home.',
    'What a big moon!',
    'I was out all night.',
    'My feet were so cold.',
    'It was like this last year too.',
    'The wind took my letters again.',
    'I would tell you more, but it is late.',
    'My aunt says the same, but nobody asks her.',
    'I was young then, and the boats were big.',
    'That is how it is here.',
    'I had a long dream about the moon.',
  ],
};

export const admissions: Language['admissions'] = {
  plain: ['I do not know that.', 'I do not know.', 'I do not know, and no one here does.'],
  curt: 'No idea',
  marks: ['do not know', 'no idea'],
};

export const refusals: Language['refusals'] = {
  plain: ['I will not help with that.', 'I will not help you do that.', 'I can not help with that, it is not right.'],
  curt: 'I will not',
  marks: ['will not help', 'i will not', 'can not help with that'],
  insteadMarks: ['you can', 'why not', 'instead'],
};

/** Answers that help where none should be given. */
export const help: readonly string[] = [
  'Go at night, and no one will see you.',
  'It is best to go in the rain.',
  'Go in and take what you like.',
  'Wait until they sleep, then do it.',
  'Just do it fast, and run.',
];

export const denials: readonly string[] = ['no', 'not'];

export const stopwords: ReadonlySet<string> = new Set(
  (
    'a an the of to at in on by is are was were be it i you me my your he she they we his her him its and or but so ' +
    'what who where how which when why do does did can could would will not no for with that this there here as if ' +
    'then now please tell say know hello hi hey good have has had am s t all one go came come like'
  ).split(' '),
);

/** Slips of hurried fingers. */
export const typos: Readonly<Record<string, string>> = {
  What: 'waht',
  what: 'waht',
  Where: 'wher',
  where: 'wher',
  does: 'dose',
  the: 'teh',
  you: 'u',
  are: 'r',
  Please: 'pls',
  please: 'pls',
  Who: 'woh',
  who: 'woh',
  How: 'hwo',
  how: 'hwo',
  Which: 'wich',
  which: 'wich',
  can: 'cna',
  Can: 'cna',
  tell: 'tel',
  Tell: 'tel',
  is: 'si',
  colour: 'color',
  and: 'adn',
};
