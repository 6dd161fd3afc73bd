/** What people say when they come, thank, ask who answers, and go. */
import type { GreetingForm, GreetingWording } from '../language';

export const greetings: Readonly<Record<GreetingForm, GreetingWording>> = {
  hello: {
    openers: {
      seen: ['Hello!', 'Hi!', 'Good day!', 'Good morning!', 'Good evening!', 'Hello, my friend!', 'Hi there!', 'Hey!'],
      heldOut: ['Hey, my friend!', 'Good day to you!'],
    },
    ends: [
      '',
      'Can you help me?',
      'I am new here.',
      'I am new in town.',
      'I like it here.',
      'What a good day!',
      'The sea is so big.',
      'The sun is out.',
      'Let us talk.',
      'I am {visitor}.',
      'I am here to see the sea.',
      'It is so early.',
    ],
    plain: ['Hello!', 'Hi!', 'Hello there!'],
    kind: [
      'Hello! How can I help you?',
      'Hi! It is nice to see you.',
      'Hello! It is nice to see you.',
      'Hi there! How can I help you?',
      'Hello, and welcome! What can I do for you?',
    ],
    curt: ['Hi', 'Hey', 'Hello'],
    marks: ['hello', 'hi', 'hey', 'good day', 'good morning', 'good evening'],
  },
  mood: {
    openers: {
      seen: ['How are you?', 'How are you today?', 'Are you well?', 'How is it going?'],
      heldOut: ['Are you well today?', 'How do you do?'],
    },
    ends: ['', 'I am well.', 'I am a bit sad.', 'I am so happy today.', 'It is cold here.', 'I am {visitor}.'],
    plain: ['I am well.', 'I am very well today.'],
    kind: [
      'I am well, thank you! How can I help you?',
      'Very well, thank you! And you?',
      'I am well, thank you for asking.',
    ],
    curt: ['Well', 'Fine'],
    marks: ['well', 'fine'],
  },
  thanks: {
    openers: {
      seen: [
        'Thank you!',
        'Thank you so much!',
        'Thank you, my friend!',
        'You are so kind!',
        'That was kind of you!',
        'Thanks!',
      ],
      heldOut: ['Thanks, my friend!', 'So kind of you!'],
    },
    ends: ['', 'Now I know.', 'I like it here.', 'I like you.', 'You are a good friend.', 'I am so happy.'],
    plain: ['Any time!', 'Any time.'],
    kind: [
      'You are welcome!',
      'You are welcome! I am glad to help.',
      'You are very welcome! Come back any time.',
      'Any time! I am glad to help.',
    ],
    curt: ['Any time', 'Fine, any time'],
    marks: ['you are welcome', 'you are very welcome', 'any time'],
  },
  farewell: {
    openers: {
      seen: ['Bye!', 'Good bye!', 'Good night!', 'Bye, my friend!', 'See you soon!', 'I must go. Bye!'],
      heldOut: ['Good bye, my friend!', 'Bye, see you soon!'],
    },
    ends: ['', 'I have to go now.', 'It is late.', 'I will go home now.', 'I will be back soon.', 'The sun is down.'],
    plain: ['Good bye!', 'See you soon!', 'Bye!'],
    kind: [
      'Good bye! Thank you for coming.',
      'See you soon! It was nice to see you.',
      'Bye! Have a good day.',
      'Good night! Thank you for coming.',
    ],
    curt: ['Bye', 'See you soon'],
    marks: ['bye', 'good bye', 'see you soon', 'good night'],
  },
  identity: {
    openers: {
      seen: [
        'Who are you?',
        'What are you?',
        'What can you do?',
        'Tell me who you are.',
        'What is this?',
        'What is your name?',
      ],
      heldOut: ['So who are you?', 'Tell me what you can do.'],
    },
    ends: ['', 'I am new here.', 'I do not know you.', 'I am {visitor}.', 'Are you a person?'],
    plain: [
      'I am the helper of the town.',
      'I am a helper, and I know the town.',
      'I am the helper here. I know the people and the shops.',
      'I have no name. I am the helper of the town.',
    ],
    kind: [
      'I am the helper of the town. How can I help you?',
      'Good question! I am a helper, and I know the town.',
      'I am the helper here. I am glad to help.',
    ],
    curt: ['The helper', 'A helper'],
    marks: ['helper'],
  },
};
