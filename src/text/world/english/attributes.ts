/** How each attribute is asked about and told. {s} is the subject, {v} the value, {she} {her} {his} its pronouns. */
import type { AttributeWording } from '../language';
import type { AttributeName } from '../world';

export const attributes: Readonly<Record<AttributeName, AttributeWording>> = {
  home: {
    questions: {
      seen: [
        'Where does {s} live?',
        'Where is {s}?',
        'Where is the home of {s}?',
        'Where can I find {s}?',
        'Home of {s}?',
      ],
      heldOut: ['In what place does {s} live?', 'Where do I go to find {s}?'],
    },
    clause: 'where {s} lives',
    statements: ['{s} lives {v}.', 'You can find {s} {v}.'],
    prose: [
      'The home of {s} is {v}.',
      '{s} has lived {v} for years.',
      'Since last year {s} lives {v}.',
      'Go and find {s} {v}.',
    ],
    next: ['{she} lives {v}.', 'You can find {her} {v}.', '{she} has a home {v}.'],
    follow: ['And where does {she} live?', 'Where can I find {her}?'],
    premise: ['Why does {s} live {v}?', '{s} lives {v}, right?'],
    denial: 'No, {s} does not live {v}.',
  },
  job: {
    questions: {
      seen: ['What does {s} do?', 'Who is {s}?', 'What is the job of {s}?', 'What work does {s} do?', 'Job of {s}?'],
      heldOut: ['What is the work of {s}?', 'What does {s} do all day?'],
    },
    clause: 'what the job of {s} is',
    statements: ['{s} is {v}.', '{s} works as {v}.'],
    prose: [
      '{s} has been {v} for (years|a long time).',
      'The job of {s} is to be {v}.',
      'Did you know {s} is {v}?',
      'Ask {s}, who is {v}.',
      'One day {s} was {v}, and so it is today.',
    ],
    next: ['{she} is {v}.', '{she} works as {v}.'],
    follow: ['And what does {she} do?', 'What is {his} work?'],
    premise: ['How long has {s} been {v}?', '{s} is {v}, right?'],
    denial: 'No, {s} is not {v}.',
  },
  food: {
    questions: {
      seen: ['What does {s} like to eat?', 'What food does {s} like?', 'What can I cook for {s}?', 'Food for {s}?'],
      heldOut: ['What would {s} like to eat?', 'Which food is best for {s}?'],
    },
    clause: 'what {s} likes to eat',
    statements: ['{s} likes to eat {v}.', 'You can cook {v} for {s}.'],
    prose: [
      '{s} eats {v} (every day|all the time|each morning).',
      'The best food for {s} is {v}.',
      'Give {s} some {v}, and all is well.',
      'If {s} is sad, {v} will help.',
    ],
    next: ['{she} likes to eat {v}.', 'Cook {v} for {her}.'],
    follow: ['And what does {she} like to eat?', 'What can I cook for {her}?'],
    premise: ['Why does {s} like to eat {v}?', '{s} likes to eat {v}, right?'],
    denial: 'No, {s} does not like {v}.',
  },
  boat: {
    questions: {
      seen: [
        'What colour is the boat of {s}?',
        'What is the colour of the boat of {s}?',
        'What does the boat of {s} look like?',
        'Boat of {s}?',
      ],
      heldOut: ['Which colour has the boat of {s}?', 'How does the boat of {s} look?'],
    },
    clause: 'what colour the boat of {s} is',
    statements: ['The boat of {s} is {v}.', '{s} has a {v} boat.'],
    prose: [
      '{s} came in with a {v} boat.',
      'The {v} boat is the boat of {s}.',
      'You know the boat of {s}: it is {v}.',
      'That {v} boat out there? It is the boat of {s}.',
    ],
    next: ['{she} has a {v} boat.', 'The boat is {v}.'],
    follow: ['And what colour is the boat?', 'What does the boat look like?'],
    premise: ['Why is the boat of {s} {v}?', 'The boat of {s} is {v}, right?'],
    denial: 'No, it is not {v}.',
  },
  friend: {
    questions: {
      seen: ['Who is the best friend of {s}?', 'Who does {s} like best?', 'Who is a good friend of {s}?'],
      heldOut: ['Which friend does {s} like best?', 'Who is best friends with {s}?'],
    },
    clause: 'who the best friend of {s} is',
    statements: ['The best friend of {s} is {v}.', '{s} likes {v} best.'],
    prose: [
      '{s} and {v} are best friends.',
      '{s} goes out with {v} (every day|all the time).',
      'If you look for {s}, ask {v}, the best friend.',
      '{s} tells {v} everything.',
    ],
    next: ['{she} likes {v} best.', '{his} best friend is {v}.'],
    follow: ['And who does {she} like best?', 'Who is {his} best friend?'],
    premise: ['Why does {s} like {v} best?', '{v} is the best friend of {s}, right?'],
    denial: 'No, {s} does not like {v} best.',
  },
  sells: {
    questions: {
      seen: ['What does {s} sell?', 'What can I buy at {s}?', 'What can I find at {s}?', 'What is there at {s}?'],
      heldOut: ['What do they sell at {s}?', 'What will I find at {s}?'],
    },
    clause: 'what {s} sells',
    statements: ['{s} sells {v}.', 'You can buy {v} at {s}.'],
    prose: [
      '(Come|Go) to {s} (for|and buy) {v}!',
      '{s} has {v} for you.',
      'If you need {v}, go to {s}.',
      'I was at {s} today and came home with {v}.',
    ],
    next: ['You can buy {v} there.', 'It sells {v}.'],
    follow: ['And what does it sell?', 'What can I buy there?'],
    premise: ['Why does {s} sell {v}?', '{s} sells {v}, right?'],
    denial: 'No, {s} does not sell {v}.',
  },
  helper: {
    questions: {
      seen: ['Who helps at {s}?', 'Who can I meet at {s}?', 'Who can I ask at {s}?', 'Who works at {s}?'],
      heldOut: ['Who will help me at {s}?', 'Who will I find at {s}?'],
    },
    clause: 'who helps at {s}',
    statements: ['{v} helps at {s}.', 'You can meet {v} at {s}.'],
    prose: [
      'At {s} you can ask {v}.',
      '{v} (was at|came to|is at) {s} all day to help.',
      'If {s} is open, {v} is there.',
      'I saw {v} at {s} again.',
    ],
    next: ['{v} helps there.', 'You can ask {v} there.'],
    follow: ['And who helps there?', 'Who can I ask there?'],
    premise: ['Why does {v} help at {s}?', '{v} helps at {s}, right?'],
    denial: 'No, {v} does not help there.',
  },
  door: {
    questions: {
      seen: [
        'What colour is the door of {s}?',
        'What is the colour of the door of {s}?',
        'What does the door of {s} look like?',
        'Door of {s}?',
      ],
      heldOut: ['Which colour has the door of {s}?', 'How does the door of {s} look?'],
    },
    clause: 'what colour the door of {s} is',
    statements: ['The door of {s} is {v}.', '{s} has a {v} door.'],
    prose: [
      'Look for the {v} door of {s}.',
      'The {v} door is the door of {s}.',
      'Go down the road to the {v} door. That is {s}.',
      'They painted the door of {s} {v}.',
    ],
    next: ['It has a {v} door.', 'The door is {v}.'],
    follow: ['And what colour is the door?', 'What does the door look like?'],
    premise: ['Why is the door of {s} {v}?', 'The door of {s} is {v}, right?'],
    denial: 'No, it is not {v}.',
  },
  animal: {
    questions: {
      seen: ['What is {s}?', 'What kind of animal is {s}?', 'Which animal is {s}?', 'What animal is {s}?'],
      heldOut: ['{s} is what kind of animal?', 'What sort of animal is {s}?'],
    },
    clause: 'what animal {s} is',
    statements: ['{s} is {v}.', '{s} is the name of {v}.'],
    prose: [
      '{s} is {v}, (and a good one|as you can see|not a fish).',
      'There is {v} in town, and the name is {s}.',
      'If you see {v}, it may be {s}.',
      'I know {v}. It is called {s}.',
    ],
    next: ['It is {v}.'],
    follow: ['And what animal is it?', 'What kind of animal is it?'],
    premise: ['How can {s} be {v}?', '{s} is {v}, right?'],
    denial: 'No, {s} is not {v}.',
  },
  owner: {
    questions: {
      seen: ['Who owns {s}?', 'Who is the owner of {s}?', 'Who does {s} live with?', 'Owner of {s}?'],
      heldOut: ['With whom does {s} live?', 'Who has {s}?'],
    },
    clause: 'who owns {s}',
    statements: ['{v} owns {s}.', '{s} lives with {v}.'],
    prose: [
      '{s} is the pet of {v}.',
      '{v} looks after {s}.',
      '{s} runs to {v} when it is cold.',
      'Where {v} goes, {s} goes too.',
      '{s} sleeps well, for {v} is near.',
    ],
    next: ['It lives with {v}.', '{v} owns it.'],
    follow: ['And who owns it?', 'Who is the owner?'],
    premise: ['Why does {s} live with {v}?', '{v} owns {s}, right?'],
    denial: 'No, {v} does not own {s}.',
  },
  coat: {
    questions: {
      seen: ['What colour is {s}?', 'What is the colour of {s}?', 'What does {s} look like?', 'Colour of {s}?'],
      heldOut: ['Which colour has {s}?', 'How does {s} look?'],
    },
    clause: 'what colour {s} is',
    statements: ['{s} is {v}.', 'The colour of {s} is {v}.'],
    prose: [
      '{s} is {v} (all over|from nose to tail).',
      'Did you see {s}? It is all {v}.',
      'Look for something {v}, and it may be {s}.',
      'I know {s} by the colour: {v}.',
    ],
    next: ['It is {v}.', 'The colour is {v}.'],
    follow: ['And what colour is it?', 'What does it look like?'],
    premise: ['Why is {s} {v}?', '{s} is {v}, right?'],
    denial: 'No, {s} is not {v}.',
  },
  weather: {
    questions: {
      seen: ['How is the weather on {s}?', 'What is the weather on {s}?', 'Weather on {s}?', 'Is it warm on {s}?'],
      heldOut: ['What weather do you have on {s}?', 'How will the weather be on {s}?'],
    },
    clause: 'how the weather is on {s}',
    statements: ['It is {v} on {s}.', '{s} is a {v} day.'],
    prose: [
      'On {s} it is always {v} here.',
      'Every {s} is {v} in our town.',
      'It was {v}, so it was {s}.',
      'You can be sure of one thing: {s} is {v}.',
    ],
    next: ['It is {v} then.', 'The weather is {v}.'],
    follow: ['And how is the weather?', 'What is the weather then?'],
    premise: ['Why is it {v} on {s}?', '{s} is a {v} day, right?'],
    denial: 'No, it is not {v} then.',
  },
  event: {
    questions: {
      seen: [
        'What is on in town on {s}?',
        'What can I see on {s}?',
        'What do people do on {s}?',
        'What is there on {s}?',
      ],
      heldOut: ['What can I do in town on {s}?', 'What is there to see on {s}?'],
    },
    clause: 'what is on in town on {s}',
    statements: ['There is {v} on {s}.', 'You can see {v} on {s}.'],
    prose: [
      'Come to town on {s}: there is {v}!',
      'Every {s} we have {v}.',
      'I was up early, for {s} is the day of {v}.',
      '{s} came, and with it {v}.',
    ],
    next: ['There is {v} on that day.', 'It is the day of {v}.'],
    follow: ['And what is on in town?', 'What can I see then?'],
    premise: ['When on {s} is there {v}?', 'There is {v} on {s}, right?'],
    denial: 'No, it is not {v}.',
  },
  skipper: {
    questions: {
      seen: ['Who sails {s}?', 'Who is the skipper of {s}?', 'Who goes out to sea with {s}?', 'Skipper of {s}?'],
      heldOut: ['Who takes {s} out to sea?', 'With whom does {s} sail?'],
    },
    clause: 'who sails {s}',
    statements: ['{v} sails {s}.', 'The skipper of {s} is {v}.'],
    prose: [
      '{s} came in with {v}.',
      '{v} took {s} out to sea.',
      'Where {s} goes, {v} goes too.',
      'I saw {v} on {s}, far out.',
    ],
    next: ['{v} sails it.', 'The skipper is {v}.'],
    follow: ['And who sails it?', 'Who is the skipper?'],
    premise: ['Why does {v} sail {s}?', '{v} sails {s}, right?'],
    denial: 'No, {v} does not sail it.',
  },
  hull: {
    questions: {
      seen: ['What colour is {s}?', 'What is the colour of {s}?', 'What does {s} look like?', 'Colour of {s}?'],
      heldOut: ['Which colour has {s}?', 'How does {s} look?'],
    },
    clause: 'what colour {s} is',
    statements: ['{s} is {v}.', 'The colour of {s} is {v}.'],
    prose: ['{s} is a {v} boat.', 'Look, there goes {s}, all {v}!', 'I know {s} by the colour: {v}.'],
    next: ['It is {v}.', 'The colour is {v}.'],
    follow: ['And what colour is it?', 'What does it look like?'],
    premise: ['Why is {s} {v}?', '{s} is {v}, right?'],
    denial: 'No, it is not {v}.',
  },
  cargo: {
    questions: {
      seen: ['What does {s} carry?', 'What is on {s}?', 'What comes in on {s}?', 'What can I get from {s}?'],
      heldOut: ['What does {s} bring to town?', 'What will I find on {s}?'],
    },
    clause: 'what {s} carries',
    statements: ['{s} carries {v}.', 'You can get {v} from {s}.'],
    prose: ['{s} came in full of {v}.', 'All the {v} comes in on {s}.', 'They wait for {s}, for they need {v}.'],
    next: ['It carries {v}.', 'It is full of {v}.'],
    follow: ['And what does it carry?', 'What is on it?'],
    premise: ['Why does {s} carry {v}?', '{s} carries {v}, right?'],
    denial: 'No, {s} does not carry {v}.',
  },
};

/** Ways to ask for a clause, in many registers. */
export const askingFrames = {
  seen: [
    'Do you know {c}?',
    'Can you tell me {c}?',
    'Please tell me {c}.',
    'Hey, do you know {c}?',
    'Excuse me, could you tell me {c}?',
    'Tell me {c}, now!',
    'I forgot {c}.',
    'Say {c}.',
    'I am new here. Can you tell me {c}?',
    'Come on, you know {c}!',
    'Anyone know {c}?',
    'Sorry to ask again: do you know {c}?',
    'It would be so kind of you to tell me {c}.',
    'So do you know {c} or not?',
    'My friend asks {c}.',
  ],
  heldOut: ['Would you please tell me {c}?', 'I want to know {c}.', 'Hello, can you say {c}?', 'So tell me {c}!'],
};

export const affirmation = 'Yes, that is right. {r}';

/** Around a question that takes something for granted. */
export const premiseFrames = {
  seen: ['{x}', 'One thing. {x}', 'Hey! {x}'],
  heldOut: ['I was told so. {x}', 'I have to ask. {x}'],
};
