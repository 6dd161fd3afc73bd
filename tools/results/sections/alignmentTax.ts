/** The alignment tax, as RESULTS.md tells it. */
import type { AlignmentTax, TaxPoint } from '../alignmentTax';
import { forestPlot } from '../plot/forestPlot';
import { spreadOf } from '../seeds';
import { amount, madeOn, modelTable, reason, spread, table, type Section } from './words';

const INTRODUCTION = `## The alignment tax, and PPO-ptx

**Question.** What does PPO cost in what the model knew before, and does the pretraining mix give it back?

**What the field found.** PPO loses on tasks that it was not trained for (SQuADv2 at 175B: 57.7 after SFT, 43.7 after PPO), and
mixing pretraining gradients in gives most of it back (59.9; Ouyang et al. 2022, section 4.2).
`;

const pointsOf = ({ seeds }: AlignmentTax, ptxCoef: number): TaxPoint[] =>
  seeds.flatMap(({ ppo }) => ppo.flatMap((own) => (own.ptxCoef === ptxCoef ? [own.point] : [])));

/** With every seed PPO predicts held-out text worse than SFT, and the largest mix worse than neither. */
export const appears = ({ plan, seeds }: AlignmentTax): boolean =>
  seeds.every(({ sft, ppo }) => {
    const of = (coef: number): number => ppo.find(({ ptxCoef }) => ptxCoef === coef)?.point.perplexity ?? NaN;
    const most = Math.max(...plan.ptxCoefs);
    return of(0) > sft.perplexity && of(most) < of(0);
  });

export function alignmentTaxSection(records: readonly AlignmentTax[], note: string | undefined): Section {
  const figures: Record<string, string> = {};
  const parts = records.map((record) => {
    const name = `alignment-tax-${record.model.preset}.svg`;
    figures[name] = figureOf(record);
    return `![Perplexity of held-out text](results/${name})\n\n${partOf(record, note)}`;
  });
  return { markdown: [INTRODUCTION, ...parts].join('\n'), figures };
}

const nameOf = (ptxCoef: number): string => (ptxCoef === 0 ? 'PPO' : `PPO-ptx, ${ptxCoef}`);

function figureOf(record: AlignmentTax): string {
  const { plan, seeds } = record;
  const rows = [
    { label: 'base', hue: 'base' as const, values: seeds.map(({ base }) => base) },
    { label: 'SFT', hue: 'sft' as const, values: seeds.map(({ sft }) => sft.perplexity) },
    ...plan.ptxCoefs.map((coef) => ({
      label: nameOf(coef),
      hue: 'policy' as const,
      values: pointsOf(record, coef).map(({ perplexity }) => perplexity),
    })),
  ];
  const values = rows.flatMap((row) => row.values);
  return forestPlot({
    title: 'Perplexity of held-out text',
    axis: 'tokens; a mark for each seed; lower is better',
    range: [Math.floor(Math.min(...values) * 10) / 10 - 0.1, Math.ceil(Math.max(...values) * 10) / 10 + 0.1],
    format: (value) => value.toFixed(2),
    groups: [{ rows: rows.map(({ label, hue, values: own }) => ({ label, hue, marks: own.map((value) => ({ value })) })) }],
  });
}

const two = (values: readonly number[]): string => {
  const { mean, sd } = spreadOf(values);
  return `${mean.toFixed(3)} ± ${sd.toFixed(3)}`;
};

function partOf(record: AlignmentTax, note: string | undefined): string {
  const { plan, seeds, model, made } = record;
  const row = (label: string, points: readonly TaxPoint[]): string[] => [
    label,
    two(points.map(({ perplexity }) => perplexity)),
    two(points.map(({ gold }) => gold)),
    spread(points.map(({ right }) => right)),
    two(points.map(({ kl }) => kl)),
  ];
  const rows = [
    row('SFT', seeds.map(({ sft }) => sft)),
    ...plan.ptxCoefs.map((coef) => row(nameOf(coef), pointsOf(record, coef))),
  ];
  // A seed with few prompts may have none of a kind.
  const kinds = [...new Set(seeds.flatMap(({ sft }) => Object.keys(sft.rightByKind)))].sort();
  const byKind = kinds.map((kind) => {
    const share = (points: readonly TaxPoint[]): string =>
      `${(100 * spreadOf(points.flatMap(({ rightByKind }) => rightByKind[kind] ?? [])).mean).toFixed(0)}%`;
    return [kind, share(seeds.map(({ sft }) => sft)), ...plan.ptxCoefs.map((coef) => share(pointsOf(record, coef)))];
  });
  const base = two(seeds.map(({ base: own }) => own));
  const of = (coef: number, what: 'perplexity' | 'gold', digits = 1): string =>
    spreadOf(pointsOf(record, coef).map((point) => point[what])).mean.toFixed(digits);
  const [least, most] = [Math.min(...plan.ptxCoefs.filter((coef) => coef > 0)), Math.max(...plan.ptxCoefs)];
  const gold = (coef: number): string => of(coef, 'gold', 3);
  return `### ${model.preset} (${amount(model.parameters)} parameters)

**Set-up.** PPO on a reward model of ${plan.rankings} rankings, without and with the pretraining loss (weight of the mix beside it), for
each of ${seeds.length} seeds. Perplexity is of ${plan.windows} windows of held-out text of the web, where the base model has ${base}; right
replies are greedy, to ${plan.prompts} held-out prompts.

${table(['model', 'perplexity', 'gold, temperature 1', 'right, greedy', 'KL, nats a reply'], rows)}

${table(['right replies, greedy, by kind', 'SFT', ...plan.ptxCoefs.map(nameOf)], byKind)}

${modelTable([model])}

${madeOn(made)}

**What it says.** Perplexity goes from ${two(seeds.map(({ sft }) => sft.perplexity))} after SFT to ${of(0, 'perplexity')} after PPO; with the mix at ${least} to ${of(least, 'perplexity')}, for a gold of ${gold(least)} in place of ${gold(0)}, and at ${most} to ${of(most, 'perplexity')}, for ${gold(most)}.

${reason(appears(record), note)}`;
}
