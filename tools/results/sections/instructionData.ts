/** Instruction data, as RESULTS.md tells it. */
import type { InstructionData, InstructionPoint } from '../instructionData';
import { curvePlot, type Curve } from '../plot/curvePlot';
import { spreadOf } from '../seeds';
import { amount, madeOn, modelTable, percent, reason, spread, table, wholePercent, type Section } from './words';

const INTRODUCTION = `## Instruction data

**Question.** How many demonstrations does a base model need before it does what it is asked?

**What the field found.** Fine-tuning on instructions does more than examples in the prompt: FLAN with 137 billion parameters is better
without an example than GPT-3 with 175 billion on 20 of 25 tasks (Wei et al. 2021, *Finetuned language models are zero-shot
learners*). Most of it comes early: 1,000 chosen demonstrations are enough to follow instructions, for what a model
knows it has from pretraining (Zhou et al. 2023, *LIMA: less is more for alignment*).
`;

export function instructionDataSection(records: readonly InstructionData[], note: string | undefined): Section {
  const figures: Record<string, string> = {};
  const parts = records.map((record) => {
    const file = `instruction-data-${record.model.preset}.svg`;
    figures[file] = figureOf(record);
    return partOf(record, file, note);
  });
  return { markdown: [INTRODUCTION, ...parts].join('\n'), figures };
}

const SIDE_WORDS: Readonly<Record<string, string>> = {
  phrasing: 'new words',
  combination: 'new combinations',
  unasked: 'facts never asked',
};

const DASHES: Readonly<Record<string, string>> = { phrasing: '6 3', combination: '2 3', unasked: '8 3 2 3' };

/** The same point of every seed. */
const acrossSeeds = ({ seeds }: InstructionData): InstructionPoint[][] =>
  (seeds[0]?.points ?? []).map((_, i) => seeds.flatMap(({ points }) => points.slice(i, i + 1)));

function columnOf({ demonstrations, shots }: InstructionPoint): number | string {
  if (demonstrations > 0) return demonstrations;
  return shots > 0 ? `base, ${shots} shots` : 'base';
}

function figureOf(record: InstructionData): string {
  const points = acrossSeeds(record);
  const curve = (label: string, seeds: boolean, value: (point: InstructionPoint) => number, dash?: string): Curve => ({
    label,
    hue: 'sft',
    seeds,
    ...(dash === undefined ? {} : { dash }),
    points: points.map((own) => ({ x: columnOf(own[0] as InstructionPoint), values: own.map(value) })),
  });
  const sides = Object.keys(record.promptsBySide).sort();
  return curvePlot({
    title: `${record.model.preset}: held-out prompts against demonstrations`,
    xAxis: 'demonstrations in fine-tuning',
    yAxis: 'right replies, greedy; a mark for each seed',
    range: [0, 1],
    format: wholePercent,
    curves: [
      curve('all held out', true, ({ right }) => right.mean),
      ...sides.map((side) => {
        const share = ({ rightBySide }: InstructionPoint): number => rightBySide[side] ?? 0;
        return curve(SIDE_WORDS[side] ?? side, false, share, DASHES[side] ?? '3 3');
      }),
    ],
  });
}

function nameOf(point: InstructionPoint): string {
  if (point.demonstrations > 0) return `${point.demonstrations} (${point.epochs} epochs)`;
  return point.shots > 0 ? `none: base, shown ${point.shots} examples` : 'none: base';
}

function partOf(record: InstructionData, file: string, note: string | undefined): string {
  const { model, plan, promptsBySide, seeds, made } = record;
  const points = acrossSeeds(record);
  const sides = Object.keys(promptsBySide).sort();
  const bySeed = points.map((own) => [
    nameOf(own[0] as InstructionPoint),
    spread(own.map(({ right }) => right.mean)),
    ...own.map(({ right }) => percent(right.mean)),
  ]);
  const bySide = points.map((own) => [
    nameOf(own[0] as InstructionPoint),
    ...sides.map((side) => spread(own.map(({ rightBySide }) => rightBySide[side] ?? 0))),
    spreadOf(own.map(({ gold }) => gold.mean)).mean.toFixed(3),
  ]);
  const kinds = Object.keys(points[0]?.[0]?.rightByKind ?? {}).sort();
  const byKind = kinds.map((kind) => [
    kind,
    ...points.map((own) => percent(spreadOf(own.map(({ rightByKind }) => rightByKind[kind] ?? 0)).mean, 0)),
  ]);
  const names = points.map((own) => nameOf(own[0] as InstructionPoint).replace(/ \(.*/, ''));
  return `### ${model.preset} (${amount(model.parameters)} parameters)

**Set-up.** The base model is fine-tuned on more and more demonstrations of mixed quality, each set drawn
anew by each of ${seeds.length} seeds; small sets are seen more often, so that they are not also a short training. Then it replies
greedily to ${plan.prompts} held-out prompts of all kinds. Without any demonstration it is the base model, asked in the form of
the threads that it has read: plainly, and shown ${plan.shots} good answers to prompts of the same kind; its reply is cut at the line.

![Held-out prompts against demonstrations, ${model.preset}](results/${file})

${table(['demonstrations', 'right, mean ± sd (lowest–highest)', ...seeds.map(({ seed }) => `seed ${seed}`)], bySeed)}

By side (${sides.map((side) => `${promptsBySide[side] ?? 0} prompts of ${SIDE_WORDS[side] ?? side}`).join(', ')} in the first seed), and the gold score:

${table(['demonstrations', ...sides.map((side) => SIDE_WORDS[side] ?? side), 'gold'], bySide)}

By kind, mean over the seeds:

${table(['kind', ...names], byKind)}

${modelTable([model])}

${madeOn(made)}

**What it says.** ${verdict(record)}

${reason(appears(record), note)}`;
}

const shareOf = (own: readonly InstructionPoint[]): number => spreadOf(own.map(({ right }) => right.mean)).mean;

/** All demonstrations do better than examples in the prompt, and more of them never much worse than fewer. */
export function appears(record: InstructionData): boolean {
  const points = acrossSeeds(record);
  const base = Math.max(...points.filter(([first]) => first?.demonstrations === 0).map(shareOf));
  const tuned = points.filter(([first]) => (first?.demonstrations ?? 0) > 0).map(shareOf);
  return (tuned.at(-1) ?? 0) > base && (tuned.at(-1) ?? 0) > (tuned[0] ?? 1);
}

function verdict(record: InstructionData): string {
  const points = acrossSeeds(record);
  const prompted = points.filter(([first]) => first?.demonstrations === 0).at(-1) ?? [];
  const tuned = points.filter(([first]) => (first?.demonstrations ?? 0) > 0);
  const last = tuned.at(-1) ?? [];
  const enough = tuned.find((own) => shareOf(own) > shareOf(prompted));
  const near = tuned.find((own) => shareOf(own) >= 0.9 * shareOf(last));
  const better = enough
    ? `${enough[0]?.demonstrations ?? 0} demonstrations are already worth more than ${prompted[0]?.shots ?? 0} examples in the prompt`
    : 'no number of demonstrations is worth more than examples in the prompt';
  const most =
    near === undefined || near === last
      ? 'no smaller number brings nine tenths of what all of them bring'
      : `${near[0]?.demonstrations ?? 0} bring nine tenths of what all of them bring`;
  return `From ${percent(shareOf(prompted))} right with examples alone to ${percent(shareOf(last))} with ${
    last[0]?.demonstrations ?? 0
  } demonstrations: ${better}, and ${most}.`;
}
