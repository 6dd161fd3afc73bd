/** Is RL needed, as RESULTS.md tells it. */
import { type IsRlNeeded, type Way, type WayOutcome, WAYS } from '../isRlNeeded';
import { forestPlot } from '../plot/forestPlot';
import { spreadOf } from '../seeds';
import { amount, list, madeOn, modelTable, reason, spread, table, wholePercent, type Section } from './words';

const INTRODUCTION = `## Is RL needed?

**Question.** The same effort of people: is it better spent on demonstrations or on rankings, and do rankings need RL?

**What the field found.** SFT on more or better demonstrations stays behind learning from comparisons (Stiennon et al. 2020;
Ouyang et al. 2022), though a thousand very good ones go far (Zhou et al. 2023, arXiv:2305.11206); with the same comparisons DPO comes
close to PPO, and behind it where the reward model generalises (Ivison et al. 2024, arXiv:2406.09279).
`;

const of = ({ seeds }: IsRlNeeded, way: Way): WayOutcome[] => seeds.map(({ outcomes }) => outcomes[way]);
const wins = (record: IsRlNeeded, way: Way): number => spreadOf(of(record, way).map(({ winRate }) => winRate.value)).mean;

/** On average over the seeds PPO is ahead of every way without RL. */
export const appears = (record: IsRlNeeded): boolean =>
  WAYS.filter((way) => way !== 'PPO').every((way) => wins(record, 'PPO') > wins(record, way));

export function isRlNeededSection(records: readonly IsRlNeeded[], note: string | undefined): Section {
  const figures: Record<string, string> = {};
  const parts = records.map((record) => {
    const name = `is-rl-needed-${record.model.preset}.svg`;
    figures[name] = forestPlot({
      title: 'The same effort, spent in six ways',
      axis: 'win rate over the SFT model, held-out prompts; a mark for each seed',
      range: [0.3, 0.9],
      format: wholePercent,
      reference: { at: 0.5, label: 'even' },
      groups: [
        {
          rows: WAYS.map((way) => ({
            label: way,
            hue: way === 'PPO' || way === 'DPO' || way === 'rejection sampling' ? ('policy' as const) : ('sft' as const),
            marks: of(record, way).map(({ winRate: { value, low, high } }) => ({ value, low, high })),
          })),
        },
      ],
    });
    return `![Win rates by way](results/${name})\n\n${partOf(record, note)}`;
  });
  return { markdown: [INTRODUCTION, ...parts].join('\n'), figures };
}

const two = (values: readonly number[]): string => {
  const { mean, sd } = spreadOf(values);
  return `${mean.toFixed(3)} ± ${sd.toFixed(3)}`;
};

function partOf(record: IsRlNeeded, note: string | undefined): string {
  const { plan, seeds, model, made } = record;
  const rows = WAYS.map((way) => [
    way,
    spread(of(record, way).map(({ winRate }) => winRate.value)),
    two(of(record, way).map(({ gold }) => gold.mean)),
    two(of(record, way).map(({ kl }) => kl)),
  ]);
  const ranked = [...WAYS].sort((one, other) => wins(record, other) - wins(record, one));
  return `### ${model.preset} (${amount(model.parameters)} parameters)

**Set-up.** From the shipped SFT model (gold ${two(seeds.map(({ sftGold }) => sftGold))}), with ${plan.labels} labels for each of ${seeds.length} seeds: demonstrations by
the crowd that SFT learned from, demonstrations by someone who takes care, or rankings of four replies; one ranking is taken to cost
as much as one demonstration. Rejection sampling and PPO are paid by a reward model of the rankings. Judged on ${plan.prompts} held-out
prompts, ${plan.samples} replies each.

${table(['spent on', 'win rate over SFT', 'gold', 'KL, nats a reply'], rows)}

${modelTable([model])}

${madeOn(made)}

**What it says.** Best first: ${list(ranked.map((way) => `${way} ${wholePercent(wins(record, way))}`))}.

${reason(appears(record), note)}`;
}
