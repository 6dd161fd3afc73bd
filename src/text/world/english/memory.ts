/** What a person tells of themselves and asks for later in the same talk. */
import type { MemoryBank } from '../language';
import { names } from './names';

const COLOURS = ['red', 'blue', 'green', 'yellow', 'white', 'black'];

export const memory: MemoryBank = {
  kinds: [
    {
      name: 'name',
      tell: [
        'I am {v}.',
        'My name is {v}.',
        'Hi, I am {v}.',
        'Hello! My name is {v}.',
        '{v} here.',
        'They call me {v}.',
        'You can call me {v}.',
        'Good day, I am {v}.',
      ],
      heard: ['Hello {v}!', 'Hi {v}!', 'Nice name!', 'Welcome, {v}!'],
      ask: {
        seen: [
          'What is my name?',
          'Who am I?',
          'What did I say my name was?',
          'Say my name.',
          'Do you know my name?',
          'Do you still know my name?',
          'And what is my name?',
          'What am I called?',
        ],
        chat: [
          'Tell me my name, please.',
          'Now say my name.',
          'So who am I?',
          'And who am I?',
          'Who am I, then?',
          'Can you say my name?',
          'Could you tell me my name, please?',
          'Do you remember who I am?',
        ],
        heldOut: ['Can you tell me my name?', 'Now who am I?'],
      },
      answer: ['Your name is {v}.', 'You are {v}.'],
      values: names.visitors,
    },
    {
      name: 'food',
      tell: ['I like {v}.', 'I like to eat {v}.', 'I want some {v}.'],
      heard: ['That is good.', 'I like it too.', 'Good to know!'],
      ask: {
        seen: ['What do I like?', 'What did I say I like?', 'What can you cook for me?'],
        heldOut: ['So what do I like to eat?'],
      },
      answer: ['You like {v}.', 'You said you like {v}.'],
      values: ['bread', 'soup', 'cake', 'plums', 'cheese', 'jam', 'honey', 'nuts'],
    },
    {
      name: 'boat',
      tell: ['My boat is {v}.', 'I have a {v} boat.'],
      heard: ['That is good.', 'Good to know!'],
      ask: {
        seen: ['What colour is my boat?', 'What does my boat look like?', 'Which boat is mine?'],
        heldOut: ['So which colour has my boat?'],
      },
      answer: ['Your boat is {v}.', 'You have a {v} boat.'],
      values: COLOURS,
    },
    {
      name: 'pet',
      tell: ['My cat is called {v}.', 'I have a cat, {v}.'],
      heard: ['Nice name!', 'Hello {v}!'],
      ask: {
        seen: ['What is my cat called?', 'What is the name of my cat?'],
        chat: ['And what is my cat called?', 'Can you say the name of my cat?', 'Now what is my cat called?'],
        heldOut: ['So what is my cat called?'],
      },
      answer: ['Your cat is called {v}.'],
      values: ['Ash', 'Tip', 'Zig', 'Sock', 'Bean', 'Puff'],
    },
    {
      name: 'count',
      tell: ['I have {v} shells.', 'I found {v} shells today.'],
      heard: ['That is good.', 'What a day!'],
      ask: {
        seen: ['How many shells do I have?', 'How many shells did I find?'],
        heldOut: ['So how many shells have I?'],
      },
      answer: ['You have {v} shells.'],
      values: ['2', '3', '4', '5', '6', '7', '8', '9'],
    },
  ],
  between: [
    ['It is cold.', 'Yes, it is.'],
    ['I am new here.', 'Welcome!'],
    ['What is 2 + 3?', '2 + 3 is 5.'],
    ['The sea is big.', 'Yes, it is.'],
    ['I am sad.', 'I am sorry.'],
    ['I like it here.', 'I like it too.'],
    ['It is late.', 'So it is.'],
    ['I came by boat.', 'That is good.'],
    ['I will stay for a week.', 'Good to know!'],
    ['My feet are cold.', 'I am sorry.'],
    ['What a big moon!', 'Yes, it is.'],
    ['Can you help me?', 'Yes, I can.'],
  ],
};
