/** Labels: contestants, kinds of task and labelers, in words that need no others; what is measured is in metrics/comparison.ts. */
import type { ColumnOfReplies, LabelerName } from '../../app/comparison.svelte';
import type { MEASURED_SIDES } from '../../metrics';
import type { Contestant, EvaluationReport } from '../../session/protocol';
import type { PromptKind } from '../../text/world/prompts';
import { LOOK_OF_CONTESTANT } from '../stages';

export type ShownSide = keyof typeof MEASURED_SIDES;

/** The column of a contestant in a table of measures. */
export function headOf(contestant: Contestant, report: EvaluationReport): string {
  if (contestant === 'bestOfN') return `Best of ${report.bestOfN?.n ?? 'n'}`;
  return contestant === 'policy' ? 'RLHF' : LOOK_OF_CONTESTANT[contestant].label;
}

/** The numbers of replies that there are to choose from. */
export const NUMBER_WORDS: Readonly<Record<number, string>> = { 2: 'two', 4: 'four', 8: 'eight', 16: 'sixteen' };

/** A column that nothing has been said in. */
export const STATE_WORDS: Readonly<Record<ColumnOfReplies['state'], string>> = {
  waiting: 'waits for its turn',
  writing: 'writing …',
  done: 'no reply',
  stopped: 'stopped',
};

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
