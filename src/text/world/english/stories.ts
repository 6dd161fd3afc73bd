/** Short stories. Those that are summed up come with the words that a summary must say. */
import type { StoryBank } from '../language';

export const stories: StoryBank = {
  tales: [
    {
      tell: '{a} found a {thing} on the shore. {a.she} gave it to {b}. (They were happy.|{b} was glad.|They both sang.)',
      summary: '{a} found a {thing} and gave it to {b}.',
      must: ['a', 'thing', 'b'],
    },
    {
      tell: '{pet} was lost (in the wood|by the pier|in the fog). {a} looked all night. In the morning {a.she} found {pet}.',
      summary: '{a} found {pet} in the morning.',
      must: ['a', 'pet'],
    },
    {
      tell: '{b} was (sad|cold|alone). {a} came with {food} and a song. Soon {b} was happy.',
      summary: '{a} made {b} happy with {food}.',
      must: ['a', 'b', 'food'],
    },
    {
      tell: '{a} took {food} to the shore. A (big|loud|hungry) gull ate it all. {b} laughed.',
      summary: 'A gull ate the {food} of {a}.',
      must: ['gull', 'food', 'a'],
    },
    {
      tell: 'The {thing} of {a} fell into the sea. {b} went in after it and got it back.',
      summary: '{b} got the {thing} of {a} out of the sea.',
      must: ['b', 'thing', 'a'],
    },
    {
      tell: '{a} and {b} had a race (to the pier|to the mill|up the hill). {a} fell. {b} came back to help.',
      summary: '{a} fell in a race, and {b} came to help.',
      must: ['a', 'fell', 'b'],
    },
    {
      tell: '{a} had a {thing} to sell. No one came all day. At night {b} came.',
      summary: '{b} came for the {thing} of {a}.',
      must: ['b', 'thing', 'a'],
    },
    {
      tell: '{a} could not sleep. {b} came with a lamp. They (sang|talked|looked at the moon) all night.',
      summary: '{a} could not sleep, so {b} came.',
      must: ['a', 'sleep', 'b'],
    },
  ],
  keywordTales: [
    'One day {a} found a {thing} (in the sand|by the pier|on the shore). {a.she} gave it to {b}. They were happy all day.',
    '{a} had a {thing}. One night it was gone. In the morning {b} came and brought it back.',
    'There was a {thing} in the sea. {a} went out to get it. {b} sat on the shore and sang.',
    '{a} wanted a {thing}. {a.she} looked (all day|in every shop). At last {b} made one for {a.her}.',
    'It was a dark night. {a} was lost. {a.she} saw a {thing} by the road, and then {a.she} knew the way home.',
    '{pet} took the {thing} of {a} and ran. {a} ran after {pet} (all day|to the pier). Then they sat down and laughed.',
    'The old {thing} of {a} was (cold and wet|full of sand|lost for years). {b} put it in the sun. Now it is as good as new.',
    '{a} told {b}: "I hid a {thing} (on the hill|by the lake|in the wood)." {b} looked for days. It was under the bed.',
    'There was once a {thing} that nobody wanted. {a} took it home. From then on {a.she} was never sad.',
    '"Is that my {thing}?" said {a}. "No," said {b}, "but you can have it." So they were friends.',
    '{pet} slept on the {thing} of {a}. {a} did not want to wake {pet}. So {a.she} sat and waited until it was dark.',
    '{a} gave {b} a {thing}. {b} did not like it. But one day it rained, and the {thing} was just right.',
  ],
  keywords:
    'lamp shell kite rope map hat bell key boat star coat basket drum book door letter pot coin stone ring net cake chair'.split(
      ' ',
    ),
  tellMe: {
    seen: [
      'Tell me a story about a {thing}.',
      'Tell a story with a {thing}.',
      'A story about a {thing}, please!',
      'Can you tell me a story about a {thing}?',
      'I can not sleep. Tell me about a {thing}.',
    ],
    heldOut: ['I want a story with a {thing} in it.', 'Please tell a story about a {thing}.'],
  },
  tellAny: {
    seen: ['Tell me a story.', 'Tell me a story, please!', 'Do you know a story?', 'I can not sleep. Tell me a story.'],
    heldOut: ['Can you tell me a story?'],
  },
  sumUp: {
    seen: ['Say it in one sentence: {story}', 'Sum this up: {story}', 'In short? {story}', 'Make it short: {story}'],
    heldOut: ['Please sum it up in one sentence: {story}', 'Say this in short: {story}'],
  },
};

/** What is lost, found, wanted and sold. */
export const things: readonly string[] = 'lamp kite hat rope bell basket drum pot net chair coat book map'.split(' ');

/** Stories that are only told. They agree with the facts wherever they touch on one. */
export const tales: readonly string[] = [
  'It was a dark night. {pet} the {pet.animal.key} was cold. {a} came with a lamp and took {pet} home.',
  '{a} and {b} sat on the shore. The sun went down. A gull sang a song, and {a} sang it back.',
  '{pet} the {pet.animal.key} was lost. {a} looked {place}, but no one was there. {pet} was asleep {place2}.',
  'In the morning {a} went out to sea. A fish came up and said hello. {a.she} told {b}, and {b} wanted to see it too.',
  'The rain came to town. {a} and {b} ran to {shop}. The {shop.door} door was open and it was warm there.',
  '{a} met {b} {place}. They had a long talk about the sea. Then the moon came up and they went home.',
  '{pet} ran after a gull. {a} ran after {pet}. {b} sat in the sun and did not run at all.',
  'One night {a} saw a star fall into the sea. {b} went out in a boat to look for it. It was a lamp.',
  '{a} was new in town and had no friend. {pet} the {pet.animal.key} came and sat with {a.her}. Now they go out to look at the sea.',
  '{a} saw the boat of {b} and wanted to take it. But it is not right to steal. {a.she} went home and was happy.',
  '{a} (wanted|liked) to sing, but not when people were there. One foggy night {a.she} sang on the pier. In the morning all the town knew the song.',
  'A letter came for {a}. It was from {b}, who was far out at sea. "Keep the lamp in the window," it said. {a} did, every night.',
  '{a} and {b} did not talk for a year. Nobody knew why. Then {pet} fell into the lake, and they both went in after it.',
  'On {day} it was {day.weather}, as it always is. {a} put on {a.his} hat and went to see {day.event}. {b} was there before {a.her}.',
  '{a} told {b} there was gold {place}. They looked until the moon was up. All they found was a {thing}.',
  'The gull by {shop} takes (food|bread|fish) from everyone. It took {food} from {a}. It took a hat from {b}. It does not say thank you.',
  'Long ago the sea came up to {shop}. {a} says you can still see the line on the {shop.door} door.',
  '{a} cooked {a.food} for all of us, as {a.she} likes it best. {b} ate three plates. Then we told stories until late.',
  'They say {a} once found a {thing} in a fish. {b} does not think so. {a} has the {thing} on the wall, so who is right?',
  '{a} taught {pet} to open doors. Now no door in town is shut for long, and {b} is not happy about that.',
  'It was the first race of {b}. The wind was up and the boats went fast. {b} came in last, and {a} sang for {b.her} all the same.',
  '{a} had two left boots. {b} had two right boots. They met {place}, and both went home happy.',
  '"I can row to the island and back," said {a}. "So can I," said {b}. They came back at noon, wet and good friends.',
  '{a} planted a stone {place} to see if it would grow. {b} put a flower there at night. {a} still tells everyone.',
  'The old boat had no name. {a} wanted to call it {b}. {b} wanted to call it {a}. Now it is called {pet}.',
  '{a} bought {shop.sells} at {shop} and lost them on the way home. {shop.helper} had seen it, and ran after {a.her}.',
  'Every night {a} counts the boats. One night there was one too many. It was {b}, who had come back from far away.',
  'The snow came once, long ago. Nobody knew what it was. {a} said it was salt, {b} said it was rice, and {pet} ate it.',
  '{a} does not talk much. But when {b} fell ill, {a.she} came every day with {food} and told stories until {b} slept.',
  '"{pet} can count," said {a}. "How much is 2 + 2?" {pet} looked at the gulls and said nothing. "See?" said {a}. "It is thinking."',
  'A bottle came in from the sea with a letter in it. {a} could not read it. {b} could, but did not say what it said.',
  '{a} wanted to be alone and went {place}. {b} wanted to be alone too. They sat there until dark, and it was the best day of the week.',
  '{a} lost a race to {pet}. It was a good race, and {pet} is fast for a {pet.animal.key}. {b} saw it all.',
  '{shop.helper} shut {shop} early and went to see {day.event}, for it was {day}. In the morning there were ten people at the {shop.door} door.',
  'When the fog came, {a} rang a bell on the shore. One by one the boats came in. The last one was the boat of {b}.',
];
