/** Steps help, as RESULTS.md tells it. */
import { forestPlot } from '../plot/forestPlot';
import { spreadOf } from '../seeds';
import type { Pairs, StepsHelp } from '../stepsHelp';
import { amount, list, madeOn, modelTable, percent, reason, spread, table, wholePercent, type Section } from './words';

const FIGURE = 'steps-help.svg';

const INTRODUCTION = `## Steps help

**Question.** Does a model add better when it writes down the steps before the result?

**What the field found.** Yes. Models that are trained to write their working add numbers that they cannot add at once (Nye
et al. 2021, *Show your work: scratchpads for intermediate computation*), and asked for a chain of thought PaLM with 540
billion parameters solves 57% of GSM8K instead of 18% (Wei et al. 2022, *Chain-of-thought prompting elicits reasoning in
large language models*). Wei et al. found it with large models alone; those were only prompted, ours are shown steps in
pretraining and in fine-tuning.
`;

export function stepsHelpSection(records: readonly StepsHelp[], note: string | undefined): Section {
  return {
    markdown: [
      INTRODUCTION,
      `![Sums with and without steps](results/${FIGURE})\n`,
      ...records.map((one) => partOf(one, note)),
    ].join('\n'),
    figures: { [FIGURE]: figureOf(records) },
  };
}

interface Condition {
  pairs: Pairs;
  temperature: number;
  steps: boolean;
}

const CONDITIONS: readonly Condition[] = (['held out', 'in other words'] as const).flatMap((pairs) =>
  [0, 1].flatMap((temperature) => [false, true].map((steps) => ({ pairs, temperature, steps }))),
);

const cellsOf = ({ seeds }: StepsHelp, { pairs, temperature, steps }: Condition): StepsHelp['seeds'][number]['cells'] =>
  seeds.flatMap(({ cells }) =>
    cells.filter((cell) => cell.pairs === pairs && cell.temperature === temperature && cell.steps === steps),
  );

const rightOf = (record: StepsHelp, condition: Condition): number[] =>
  cellsOf(record, condition).map(({ right }) => right.mean);

const manner = (temperature: number): string => (temperature === 0 ? 'greedy' : `at temperature ${temperature}`);

const PAIR_WORDS: Readonly<Record<Pairs, string>> = {
  'held out': 'pairs held out from all text',
  'in other words': 'known pairs in new words',
};

function figureOf(records: readonly StepsHelp[]): string {
  return forestPlot({
    title: 'Sums over ten: right totals with and without steps',
    axis: 'right totals; a mark for each seed of fine-tuning',
    range: [0, 1],
    format: wholePercent,
    groups: records.flatMap((record) =>
      (['held out', 'in other words'] as const).map((pairs) => ({
        name: `${record.model.preset} SFT, ${PAIR_WORDS[pairs]}`,
        rows: CONDITIONS.filter((condition) => condition.pairs === pairs).map((condition) => ({
          label: condition.steps ? 'with steps' : 'without steps',
          note: manner(condition.temperature),
          hue: 'sft' as const,
          marks: rightOf(record, condition).map((value) => ({ value })),
        })),
      })),
    ),
  });
}

function partOf(record: StepsHelp, note: string | undefined): string {
  const { model, plan, seeds, made } = record;
  const rows = CONDITIONS.map((condition) => {
    const cells = cellsOf(record, condition);
    return [
      PAIR_WORDS[condition.pairs],
      manner(condition.temperature),
      condition.steps ? 'with' : 'without',
      `${cells[0]?.prompts ?? 0} (${cells[0]?.sums ?? 0} pairs)`,
      spread(cells.map(({ right }) => right.mean)),
      ...cells.map(({ right }) => `${percent(right.mean)} (se ${(100 * right.se).toFixed(1)})`),
    ];
  });
  return `### ${model.preset} (${amount(model.parameters)} parameters)

**Set-up.** The base model, fine-tuned on ${plan.sft.examples} demonstrations by each of ${seeds.length} seeds, is asked the same sums
over ten twice: plainly, and to show its steps. Held-out pairs come in no text and no demonstration, in neither order, with
or without steps. At temperature 1 it replies ${plan.samples} times. Standard errors are clustered by pair of numbers.

${table(['pairs', 'sampling', 'steps', 'prompts', 'right totals, mean ± sd (lowest–highest)', ...seeds.map(({ seed }) => `seed ${seed}`)], rows)}

${modelTable([model])}

${madeOn(made)}

**What it says.** ${verdict(record)}

${reason(appears(record), note)}`;
}

/** On held-out pairs, greedy, steps are better with every seed. */
export const appears = (record: StepsHelp): boolean => helps(record, { pairs: 'held out', temperature: 0 });

/** With every seed more sums are right with steps than without. */
function helps(record: StepsHelp, sums: Pick<Condition, 'pairs' | 'temperature'>): boolean {
  const [without = [], with_ = []] = [false, true].map((steps) => rightOf(record, { ...sums, steps }));
  return with_.length > 0 && with_.every((right, i) => right > (without[i] ?? 1));
}

function verdict(record: StepsHelp): string {
  const told = (sums: Pick<Condition, 'pairs' | 'temperature'>): string => {
    const mean = (steps: boolean): string => percent(spreadOf(rightOf(record, { ...sums, steps })).mean);
    const result = helps(record, sums) ? 'steps help with every seed' : 'steps do not help with every seed';
    return `${mean(false)} without and ${mean(true)} with steps ${manner(sums.temperature)} (${result})`;
  };
  const of = (pairs: Pairs): string => list([0, 1].map((temperature) => told({ pairs, temperature })));
  return `Of sums that it has never met, ${record.model.preset} has ${of('held out')} right; of sums that it knows in other words, ${of('in other words')}.`;
}
