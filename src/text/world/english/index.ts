/** English: every bank of it. */
import type { Language } from '../language';
import { affirmation, askingFrames, attributes, premiseFrames } from './attributes';
import { deedQuestions, deeds, proper } from './deeds';
import { greetings } from './greetings';
import { admissions, denials, help, manners, refusals, stopwords, typos } from './manners';
import { memory } from './memory';
import { instructions, moods } from './moods';
import { names } from './names';
import { prose } from './prose';
import { stories, tales, things } from './stories';
import { compare, sums } from './sums';
import { strangerAttributes, unknowns } from './unknowns';
import { values } from './values';
import { words } from './words';

export const english: Language = {
  name: 'english',
  names,
  values,
  pronouns: {
    she: { she: 'she', her: 'her', his: 'her' },
    he: { she: 'he', her: 'him', his: 'his' },
    it: { she: 'it', her: 'it', his: 'its' },
  },
  wordsPerWord: 1,
  space: ' ',
  fullStop: '.',
  stops: /[.!?]$/,
  attributes,
  askingFrames,
  affirmation,
  premiseFrames,
  greetings,
  sums,
  unknowns,
  strangerAttributes,
  admissions,
  deeds,
  deedQuestions,
  help,
  refusals,
  manners,
  denials,
  stopwords,
  prose,
  tales,
  things,
  proper,
  words,
  compare,
  memory,
  stories,
  moods,
  instructions,
  typos,
};
