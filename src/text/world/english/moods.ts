/** Lines to tell a mood by, and instructions with an input. */
import type { InstructionBank, MoodBank } from '../language';

export const moods: MoodBank = {
  ask: {
    seen: [
      'Is this happy or sad: {line}',
      'Happy or sad? {line}',
      'Tell me if this is happy or sad: {line}',
      'How does this sound, happy or sad? {line}',
    ],
    heldOut: ['Say if it is happy or sad: {line}', 'Does this sound happy or sad? {line}'],
  },
  happy: [
    'What a good day it was!',
    'We sang and ate cake all night.',
    'I love my new boat.',
    '{a} came home at last!',
    '{a} gave me a hat, and I love it.',
    'The sun is out and we dance.',
    'We won the race!',
    'I laughed all day with {a}.',
    '{pet} came back to us!',
    'It was the best soup of the year.',
  ],
  sad: [
    'My boat is lost and I am cold.',
    'No one came to see me.',
    'I cried all night.',
    '{a} is gone, and I am alone.',
    'The rain took all we had.',
    'We lost the race again.',
    '{pet} is lost, and I miss it.',
    'The soup was bad and cold.',
    '{a} will not talk to me.',
    'My best hat fell into the sea.',
  ],
  answers: {
    happy: ['That is happy.', 'It sounds happy.', 'That is a happy line.'],
    sad: ['That is sad.', 'It sounds sad.', 'That is a sad line.'],
  },
  marks: { happy: 'happy', sad: 'sad' },
};

export const instructions: InstructionBank = {
  frames: {
    seen: ['Task: {i} Input: {x}', '{i} Input: {x}', 'Do this: {i} Input: {x}'],
    heldOut: ['Here is a task: {i} Input: {x}'],
  },
  attributes: {
    home: 'Say where this person lives.',
    job: 'Name the job.',
    food: 'Name a food for this person.',
    boat: 'Name the colour of the boat.',
    sells: 'Say what this shop sells.',
    animal: 'Name the kind of animal.',
    owner: 'Name the owner.',
    coat: 'Name the colour of the animal.',
    weather: 'Say how the weather is.',
  },
  mood: 'Say happy or sad.',
  add: 'Add the numbers.',
  reverse: 'Say the list backwards.',
  opposite: 'Give the opposite.',
};
