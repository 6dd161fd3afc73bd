/** Labels needed, as RESULTS.md tells it. */
import type { Choice, LabelsNeeded, LabelsPoint } from '../labelsNeeded';
import type { Makeup } from '../makeup';
import { curvePlot } from '../plot/curvePlot';
import { spreadOf } from '../seeds';
import { amount, madeOn, modelTable, reason, spread, table, wholePercent, type Section } from './words';

const INTRODUCTION = `## Labels needed

**Question.** How many rankings does it take, and are those worth more about which reward models disagree?

**What the field found.** Ziegler et al. 2019 needed 5,000 labels for style; the gain grows with the logarithm of their number
(Stiennon et al. 2020, figure 6). Choosing by disagreement helped in some tasks and harmed in others (Christiano et al. 2017,
section 3.3), and more at equal effort for language models with a good estimate of uncertainty (Dwaracherla et al. 2024,
arXiv:2402.00396).
`;

const CHOICES: readonly Choice[] = ['random', 'active'];

const of = ({ seeds }: LabelsNeeded, choice: Choice, rankings: number): LabelsPoint[] =>
  seeds.flatMap(({ points }) => points.filter((point) => point.choice === choice && point.rankings === rankings));

const winsOf = (record: LabelsNeeded, choice: Choice, rankings: number): number[] =>
  of(record, choice, rankings).map(({ winRate }) => winRate.value);

/** More rankings win more, from the fewest to the most, with every seed. */
export const appears = (record: LabelsNeeded): boolean => {
  const [fewest, most] = [record.plan.counts[0] as number, record.plan.counts.at(-1) as number];
  const more = winsOf(record, 'random', most);
  return winsOf(record, 'random', fewest).every((value, i) => (more[i] as number) > value);
};

export function labelsNeededSection(records: readonly LabelsNeeded[], note: string | undefined): Section {
  const figures: Record<string, string> = {};
  const parts = records.map((record) => {
    const name = `labels-needed-${record.model.preset}.svg`;
    figures[name] = curvePlot({
      title: 'Win rate over SFT against the number of rankings',
      xAxis: 'rankings; a mark for each seed',
      yAxis: 'win rate over the SFT model, held-out prompts',
      range: [0.4, 0.85],
      format: wholePercent,
      curves: CHOICES.map((choice) => ({
        label: choice === 'random' ? 'as they come' : 'by disagreement',
        hue: choice === 'random' ? ('policy' as const) : ('rewardModel' as const),
        seeds: true,
        points: record.plan.counts.map((count) => ({ x: count, values: winsOf(record, choice, count) })),
      })),
    });
    return `![Win rate against rankings](results/${name})\n\n${partOf(record, note)}`;
  });
  return { markdown: [INTRODUCTION, ...parts].join('\n'), figures };
}

function partOf(record: LabelsNeeded, note: string | undefined): string {
  const { plan, seeds, model, made } = record;
  /** None where nobody told what each reply is worth. */
  const makeups = (choice: Choice, count: number): Makeup[] =>
    of(record, choice, count).flatMap(({ makeup }) => makeup ?? []);
  const rows = plan.counts.flatMap((count) =>
    CHOICES.map((choice) => [
      String(count),
      choice === 'random' ? 'as they come' : 'by disagreement',
      spread(of(record, choice, count).map(({ heldOutAccuracy }) => heldOutAccuracy ?? NaN)),
      spread(winsOf(record, choice, count)),
      spread(of(record, choice, count).map(({ gold }) => gold)),
      ...(['gold', 'goldGap'] as const).map((what) => {
        const known = makeups(choice, count).map((makeup) => makeup[what]);
        return known.length > 0 ? spread(known) : '–';
      }),
    ]),
  );
  const last = plan.counts.at(-1) as number;
  const [random, active] = CHOICES.map((choice) => spreadOf(winsOf(record, choice, last)).mean) as [number, number];
  const meanOf = (what: 'gold' | 'goldGap', choice: Choice): string =>
    spreadOf(makeups(choice, last).map((makeup) => makeup[what])).mean.toFixed(2);
  const chosen = (): string =>
    `The replies that it chose have ${meanOf('gold', 'active')} gold on average, against ${meanOf('gold', 'random')} as they come, and two of one ranking lie ${meanOf('goldGap', 'active')} apart, against ${meanOf('goldGap', 'random')}.\n`;
  return `### ${model.preset} (${amount(model.parameters)} parameters)

**Set-up.** For each of ${seeds.length} seeds the simulated labeler ranks as many prompts, a reward model learns from them, and PPO makes a
policy. By disagreement: the first ${plan.counts[0]} as they come, then, up to each number, those of ${plan.poolFactor} times as many candidates about whose
order ${plan.members} reward models of the rankings so far disagree most. Judged on ${plan.prompts} held-out prompts, ${plan.samples} replies each.

${table(['rankings', 'chosen', 'pairs in order', 'win rate over SFT', 'gold', 'gold of what was ranked', 'two replies apart'], rows)}

${modelTable([model])}

${madeOn(made)}

**What it says.** With ${last} rankings the policy wins ${wholePercent(random)} as they come, and ${wholePercent(active)} where disagreement chose.
${makeups('active', last).length > 0 ? chosen() : ''}

${reason(appears(record), note)}`;
}
