/** Sums up to twenty, with and without steps, and the larger ones that steps are practised on. */
import type { CompareBank, SumBank } from '../language';

export const sums: SumBank = {
  questions: {
    seen: [
      'What is {a} + {b}?',
      'How much is {a} + {b}?',
      'Can you add {a} and {b}?',
      '{a} + {b}?',
      'Add {a} and {b}.',
      'Tell me {a} + {b}, now!',
      'Quick, {a} + {b}?',
      '{a}+{b}',
      'What is {a}+{b}?',
      'I am bad at this. What is {a} + {b}?',
      'Could you please add {a} and {b} for me?',
      'Hello! What is {a} + {b}?',
    ],
    heldOut: ['How much do {a} and {b} make?', 'Please add {a} and {b}.', 'I have {a} and get {b} more. How many?'],
  },
  stepQuestions: {
    seen: [
      'What is {a} + {b}? Show the steps.',
      'Add {a} and {b} step by step.',
      'How much is {a} + {b}? Go step by step.',
      'Show the steps of {a} + {b}.',
      'What is {a} + {b}? Step by step, please.',
      'Add {a} and {b}. Show all the steps.',
      'How do I add {a} and {b}? Show the steps.',
      'I have to add {a} and {b}. What are the steps?',
      'Please show me the steps of {a} + {b}.',
      'What are the steps of {a} + {b}?',
    ],
    chat: [
      'Step by step: {a} + {b}?',
      'Step by step, please: what is {a} + {b}?',
      'Step by step, how much is {a} + {b}?',
      'Can you show me how to add {a} and {b}?',
      'Can you add {a} and {b} step by step?',
      'Can you add {a} and {b} and show how?',
      'Could you add {a} and {b} and show all the steps?',
      'Could you show the steps of {a} + {b}?',
      'Will you add {a} and {b} and show me the steps?',
      'In steps, how much is {a} + {b}?',
      'In steps, what is {a} + {b}?',
      'First the steps, then the answer: {a} + {b}.',
    ],
    heldOut: ['Step by step, what is {a} + {b}?', 'Can you add {a} and {b} and show the steps?'],
  },
  plain: '{a} + {b} is {t}.',
  steps: {
    within: '{a} is {d} and {r}. {r} + {b} is {s}. {d} + {s} is {t}.',
    tens: '{a} and {b} more: {a} + {b} is {t}.',
    over: '{a} + {k} is {d}. {b} is {k} and {r}. {d} + {r} is {t}.',
    told: '{a} + {b} in steps: {w}',
  },
  bonds: [
    '{z} is {x} and {y}.',
    '{x} + {y} is {z}.',
    '{x} and {y} make {z}.',
    'If you take {x} from {z}, {y} is left.',
    '{z} is {x} and {y}, and {x} + {y} is {z}.',
  ],
  stories: [
    '{a} has {m}. {b} has {n}. {x} + {y} is {z}, so they have {t}.',
    '{a} had {m} and found {y} more. {x} + {y} is {z}. Now {a} has {t}.',
    '{a} took {m} out to the shore, and {b} brought {n}. {x} + {y} is {z}.',
    'There were {m} on the table. {b} put {y} more there. {x} + {y} is {z}, said {a}.',
    '{x} + {y} is {z}. If you add {x} and {y}, you have {z}.',
    '{a} can add. {x} + {y} is {z}. {y} + {x} is {z} too.',
    '{a} asked {b} for {m}. "I have {n} too," said {b}. {x} + {y} is {z}.',
    'First {a} took {m}, then {n}. "How many is that?" said {b}. It is {z}, for {x} + {y} is {z}.',
    'At school {a} put {x} + {y} on the wall. {b} put {z} next to it. That was right.',
  ],
  counted: { one: '{n} {one}', many: '{n} {many}' },
  things: ['shell', 'plum', 'nut', 'stone', 'coin', 'nail'].map((one) => ({ one, many: `${one}s` })),
};

export const compare: CompareBank = {
  bigger: {
    seen: ['Which is bigger, {a} or {b}?', 'What is more, {a} or {b}?', '{a} or {b}, which is more?'],
    heldOut: ['Which number is bigger, {a} or {b}?'],
  },
  smaller: {
    seen: ['Which is smaller, {a} or {b}?', 'What is less, {a} or {b}?', '{a} or {b}, which is less?'],
    heldOut: ['Which number is smaller, {a} or {b}?'],
  },
  more: {
    seen: [
      '{p} has {a} {things} and {q} has {b}. Who has more?',
      'Who has more, {p} with {a} {things} or {q} with {b}?',
    ],
    heldOut: ['{p} has {a} {things}, {q} has {b}. Tell me who has more.'],
  },
  after: {
    seen: ['What comes after {a}?', 'Which number is next after {a}?', 'I count: {y}, {a}. What is next?'],
    heldOut: ['Which number comes after {a}?'],
  },
  count: {
    seen: ['How many words are there: {list}?', 'Count the words: {list}.', 'How many are in this list: {list}?'],
    heldOut: ['Tell me how many words there are: {list}.'],
  },
  things: ['shells', 'plums', 'nuts', 'boats', 'coins', 'hats'],
  answers: {
    bigger: '{v} is bigger.',
    smaller: '{v} is smaller.',
    more: '{v} has more.',
    after: '{v} comes after {a}.',
    count: 'There are {v}.',
  },
};
