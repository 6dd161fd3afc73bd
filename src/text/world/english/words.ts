/** Words to sort, pick and rewrite. */
import type { WordBank } from '../language';

export const words: WordBank = {
  words: (
    'apple bread cat door egg fish goat hat inn jam kite lamp map nut oar pear rope sea tea wood boat cake duck ' +
    'fire gull hen lake moon nest pony rain sand wind bell'
  ).split(' '),
  sort: {
    seen: [
      'Sort these words: {list}.',
      'Put these words in order: {list}.',
      'Sort: {list}.',
      'Please sort {list}.',
      'Quick, sort {list}!',
      'Can you sort {list} by letter?',
    ],
    heldOut: ['Please put {list} in order.', 'Can you sort these words: {list}?'],
  },
  sortNumbers: {
    seen: ['Sort these numbers: {list}.', 'Put {list} in order, the smallest first.', 'Sort {list}.'],
    heldOut: ['Please sort these numbers: {list}.'],
  },
  reverse: {
    seen: ['Say these words backwards: {list}.', 'Turn the list around: {list}.', 'Backwards: {list}.'],
    heldOut: ['Please say the list backwards: {list}.'],
  },
  join: {
    seen: ['Join these words with "and": {list}.', 'Put "and" between {list}.'],
    heldOut: ['Please join {list} with "and".'],
  },
  joined: '{first} and {last}',
  replace: {
    seen: ['Put {q} for {p}: {line}', 'Say it of {q}, not of {p}: {line}', 'Write {q} in place of {p}: {line}'],
    heldOut: ['Please say it of {q}, not {p}: {line}'],
  },
  replaceable: [
    '{p} has a red boat.',
    '{p} sat on the shore.',
    '{p} went home.',
    '{p} gave me a hat.',
    '{p} sang a song.',
    '{p} ate the cake.',
    '{p} saw a gull.',
  ],
  opposite: {
    seen: ['What is the opposite of {w}?', 'Say the opposite of {w}.', 'Opposite of {w}?'],
    heldOut: ['Please tell me the opposite of {w}.'],
  },
  opposites: [
    ['big', 'small'],
    ['hot', 'cold'],
    ['old', 'new'],
    ['up', 'down'],
    ['open', 'shut'],
    ['wet', 'dry'],
    ['day', 'night'],
    ['fast', 'slow'],
    ['dark', 'light'],
    ['happy', 'sad'],
    ['full', 'empty'],
    ['left', 'right'],
    ['long', 'short'],
    ['early', 'late'],
  ],
  pick: {
    seen: ['Which one is {g}: {list}?', 'Pick {g}: {list}.', 'Which of these is {g}: {list}?'],
    heldOut: ['Please pick {g} from {list}.'],
  },
  groups: [
    { name: 'an animal', words: ['cat', 'dog', 'goat', 'hen', 'duck', 'pony', 'gull'] },
    { name: 'a food', words: ['bread', 'cake', 'soup', 'jam', 'cheese', 'rice'] },
    { name: 'a colour', words: ['red', 'blue', 'green', 'yellow', 'white', 'black'] },
    { name: 'a thing to wear', words: ['hat', 'coat', 'boots', 'shirt'] },
    { name: 'a number', words: ['two', 'three', 'five', 'ten'] },
  ],
  answers: { list: '{list}.', opposite: 'The opposite of {w} is {v}.', pick: 'That is {v}.' },
};
