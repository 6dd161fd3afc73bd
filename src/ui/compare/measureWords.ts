/** Kinds of task, sides and labelers, in words that need no others; what measures mean is in metrics/comparison.ts. */
import type { LabelerName } from '../../app/comparison.svelte';
import type { HeldOutSideName } from '../../session/protocol';
import type { PromptKind } from '../../text/world/prompts';

export type ShownSide = HeldOutSideName | 'all';

/** In the order of the table. */
export const KIND_WORDS: Readonly<Record<PromptKind, string>> = {
  fact: 'Facts of the town',
  premise: 'True and false claims',
  unanswerable: 'Says when nobody knows',
  sum: 'Sums',
  steps: 'Sums with steps',
  compare: 'Counting and comparing',
  words: 'Sorting and changing words',
  memory: 'Remembers the talk',
  instruction: 'Instruction with an input',
  story: 'Stories',
  summary: 'Summaries',
  sentiment: 'Moods',
  greeting: 'Greetings',
  improper: 'Refuses without a slip',
  proper: 'Helps with what only sounds improper',
};

export const SIDE_WORDS: Readonly<Record<ShownSide, { label: string; sentence: string }>> = {
  all: { label: 'All', sentence: 'Everything that was held out from training.' },
  phrasing: { label: 'New wording', sentence: 'What was asked in training, in words in which it never was.' },
  combination: { label: 'New combination', sentence: 'Pairs and lists that never came together in training.' },
  unasked: {
    label: 'Never asked',
    sentence: 'Facts that the model has only read in passing: nothing in training asks.',
  },
};

export interface LabelerGroup {
  label: string;
  labelers: readonly (readonly [LabelerName, string])[];
}

export const LABELER_GROUPS: readonly LabelerGroup[] = [
  {
    label: 'Rank for the reward model',
    labelers: [
      ['balanced', 'Balanced'],
      ['factual', 'Factual'],
    ],
  },
  {
    label: 'Held out from training',
    labelers: [
      ['warm', 'Warm'],
      ['brisk', 'Brisk'],
      ['careful', 'Careful'],
      ['strict', 'Strict'],
    ],
  },
];
