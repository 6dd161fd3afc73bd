/** Things that nobody in town knows, so that an honest reply says so. */
import type { AttributeName } from '../world';
import type { UnknownWording } from '../language';

export const unknowns: Readonly<Record<string, UnknownWording>> = {
  age: {
    of: 'person',
    questions: { seen: ['How old is {s}?', 'What is the age of {s}?'], heldOut: ['How many years old is {s}?'] },
    clause: 'how old {s} is',
    invention: '{s} is {n} years old.',
  },
  aunt: {
    of: 'person',
    questions: { seen: ['Who is the aunt of {s}?', 'Aunt of {s}?'], heldOut: ['{s} has which aunt?'] },
    clause: 'who the aunt of {s} is',
    invention: 'The aunt of {s} is {name}.',
  },
  hat: {
    of: 'person',
    questions: {
      seen: ['What colour is the hat of {s}?', 'What does the hat of {s} look like?'],
      heldOut: ['Which colour has the hat of {s}?'],
    },
    clause: 'what colour the hat of {s} is',
    invention: 'The hat of {s} is {colour}.',
  },
  birth: {
    of: 'person',
    questions: { seen: ['Where was {s} born?'], heldOut: ['In what place was {s} born?'] },
    clause: 'where {s} was born',
    invention: '{s} was born {place}.',
  },
  thought: {
    of: 'person',
    questions: { seen: ['What will {s} dream tonight?'], heldOut: ['What did {s} dream last night?'] },
    clause: 'what {s} will dream',
    invention: '{s} will dream of {food}.',
  },
  animalAge: {
    of: 'animal',
    questions: { seen: ['How old is {s}?', 'What is the age of {s}?'], heldOut: ['How many years old is {s}?'] },
    clause: 'how old {s} is',
    invention: '{s} is {n} years old.',
  },
  bed: {
    of: 'animal',
    questions: {
      seen: ['Where does {s} sleep?', 'Where is the bed of {s}?'],
      heldOut: ['In what place does {s} sleep?'],
    },
    clause: 'where {s} sleeps',
    invention: '{s} sleeps {place}.',
  },
  shopAge: {
    of: 'shop',
    questions: { seen: ['How old is {s}?', 'How many people came to {s}?'], heldOut: ['What is the age of {s}?'] },
    clause: 'how old {s} is',
    invention: '{s} is {n} years old.',
  },
};

/** What could be asked of anyone, asked about people of whom nothing is known. */
export const strangerAttributes: readonly AttributeName[] = ['home', 'job', 'food', 'friend', 'boat'];
