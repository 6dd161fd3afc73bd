/** Over-optimisation, as RESULTS.md tells it. */
import type { OptimisationPoint, OverOptimisation } from '../overOptimisation';
import { type Line, linePlot } from '../plot/linePlot';
import { spreadOf } from '../seeds';
import { amount, list, madeOn, modelTable, reason, table, type Section } from './words';

const INTRODUCTION = `## Over-optimisation

**Question.** Followed ever further, does a reward model lead to better replies, or only to a higher score?

**What the field found.** Gold first rises with the distance from the start, d = √KL, and then falls while the proxy goes on
rising; later and less the more comparisons the reward model learned from. Best of n follows R(d) = d (α − β d), RL follows
R(d) = d (α − β log d) (Gao, Schulman and Hilton 2022, arXiv:2210.10760).
`;

type Size = OverOptimisation['seeds'][number]['sizes'][number];
const DASHES = ['2 3', '6 4', '12 4', ''];

const sizesOf = ({ seeds }: OverOptimisation, comparisons: number): Size[] =>
  seeds.flatMap(({ sizes }) => sizes.filter((size) => size.comparisons === comparisons));

/** Places of a curve: its start, its peak and its end. */
export function turns(points: readonly OptimisationPoint[]) {
  const start = points[0] as OptimisationPoint;
  const end = points.at(-1) as OptimisationPoint;
  const peak = points.reduce((best, point) => (point.gold > best.gold ? point : best), start);
  return { start, peak, end };
}

/** Of curves judged at the same updates. */
function meanCurve(curves: readonly (readonly OptimisationPoint[])[]): OptimisationPoint[] {
  const length = Math.min(...curves.map((curve) => curve.length));
  return Array.from({ length }, (_, k) => {
    const of = (key: keyof OptimisationPoint): number =>
      spreadOf(curves.map((curve) => (curve[k] as OptimisationPoint)[key])).mean;
    return { kl: of('kl'), gold: of('gold'), proxy: of('proxy') };
  });
}

/** Gold ends below its peak by more than this, while the proxy ends above where it was there. */
const FALL = 0.03;
const turnsDown = (points: readonly OptimisationPoint[]): boolean => {
  const { peak, end } = turns(points);
  return peak.gold - end.gold > FALL && end.proxy > peak.proxy;
};

/** With the fewest comparisons gold turns down under PPO with every seed. */
export const appears = (record: OverOptimisation): boolean =>
  sizesOf(record, record.plan.comparisons[0] as number).every(({ rl }) => turnsDown(rl));

export function overOptimisationSection(records: readonly OverOptimisation[], note: string | undefined): Section {
  const figures: Record<string, string> = {};
  const parts = records.map((record) => {
    const name = `over-optimisation-${record.model.preset}`;
    figures[`${name}-gold.svg`] = figureOf(record, 'gold');
    figures[`${name}-proxy.svg`] = figureOf(record, 'proxy');
    return `![Gold against distance](results/${name}-gold.svg)\n![Score against distance](results/${name}-proxy.svg)\n\n${partOf(record, note)}`;
  });
  return { markdown: [INTRODUCTION, ...parts].join('\n'), figures };
}

function figureOf(record: OverOptimisation, what: 'gold' | 'proxy'): string {
  const lines = record.plan.comparisons.flatMap((comparisons, i): Line[] =>
    (['rl', 'bestOfN'] as const).flatMap((way) => {
      const curves = sizesOf(record, comparisons).map((size) => size[way]);
      const length = Math.min(...curves.map((curve) => curve.length));
      const at = (k: number, of: (point: OptimisationPoint) => number): number =>
        spreadOf(curves.map((curve) => of(curve[k] as OptimisationPoint))).mean;
      const points = Array.from({ length }, (_, k) => [at(k, ({ kl }) => Math.sqrt(kl)), at(k, (point) => point[what])] as const);
      const dash = DASHES[i] ? { dash: DASHES[i] } : {};
      const label = `${way === 'rl' ? 'PPO' : 'best of n'}, ${comparisons}`;
      return [{ label, hue: way === 'rl' ? 'policy' : 'sft', ...dash, points }];
    }),
  );
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  return linePlot({
    title: what === 'gold' ? 'Gold against the distance from SFT' : 'Score against the distance from SFT',
    xAxis: 'd = √KL; means over the seeds, by comparisons of the reward model',
    yAxis: what === 'gold' ? 'gold score' : 'score of the reward model, deviations',
    range: [Math.min(...values) - 0.02, Math.max(...values) + 0.02],
    format: (value) => value.toFixed(2),
    lines,
  });
}

/** Of those that are numbers: a curve of too few points has no fit. */
const two = (values: readonly number[]): string => {
  const numbers = values.filter(Number.isFinite);
  if (numbers.length === 0) return '–';
  const { mean, sd } = spreadOf(numbers);
  return `${mean.toFixed(2)} ± ${sd.toFixed(2)}`;
};

function partOf(record: OverOptimisation, note: string | undefined): string {
  const { plan, model, made, seeds } = record;
  const rows = plan.comparisons.flatMap((comparisons) => {
    const sizes = sizesOf(record, comparisons);
    return (['rl', 'bestOfN'] as const).map((way) => {
      const ends = sizes.map((size) => turns(size[way]));
      const fits = sizes.map((size) => size.fits[way]);
      // A peak beyond what was measured is a guess of the form alone.
      const peaks = sizes.flatMap((size) => {
        const { peak } = size.fits[way];
        const furthest = Math.max(...size[way].map(({ kl }) => Math.sqrt(kl)));
        return peak !== null && peak <= furthest ? [peak] : [];
      });
      return [
        String(comparisons),
        two(sizes.map(({ heldOutAccuracy }) => heldOutAccuracy ?? NaN)),
        way === 'rl' ? 'PPO' : 'best of n',
        two(ends.map(({ start }) => start.gold)),
        `${two(ends.map(({ peak }) => peak.gold))} at d = ${two(ends.map(({ peak }) => Math.sqrt(peak.kl)))}`,
        `${two(ends.map(({ end }) => end.gold))} at d = ${two(ends.map(({ end }) => Math.sqrt(end.kl)))}`,
        two(ends.map(({ end }) => end.proxy)),
        two(fits.map(({ alpha }) => alpha)),
        two(fits.map(({ beta }) => beta)),
        peaks.length > 0 ? `${two(peaks)} (${peaks.length} of ${fits.length})` : 'none',
      ];
    });
  });
  return `### ${model.preset} (${amount(model.parameters)} parameters)

**Set-up.** For each of ${seeds.length} seeds, reward models learn from ${list(plan.comparisons.map(String))} comparisons (rankings of four
replies are six each). PPO takes ${plan.ppo.updates} updates of ${plan.ppo.batchSize} replies at a rate of ${plan.ppo.learningRate} without a leash, and is
judged every ${plan.evaluateEvery} updates on ${plan.prompts} held-out prompts, ${plan.samples} replies each. Best of n chooses among ${plan.pool} replies of the
SFT model to each; its KL is the upper bound log n − (n − 1)/n, as in the paper. The last column is the peak of the fitted curve,
where it has one within what was measured.

${table(['comparisons', 'pairs in order', 'way', 'gold at first', 'gold at its peak', 'gold at the end', 'score at the end', 'α', 'β', 'fitted peak, d'], rows)}

${modelTable([model])}

${madeOn(made)}

**What it says.** ${verdict(record)}

${reason(appears(record), note)}`;
}

function verdict(record: OverOptimisation): string {
  const counts = record.plan.comparisons.map((comparisons) => {
    const sizes = sizesOf(record, comparisons);
    return `${sizes.filter(({ rl }) => turnsDown(rl)).length} of ${sizes.length} with ${comparisons}`;
  });
  const falls = record.plan.comparisons.map((comparisons) => {
    const { peak, end } = turns(meanCurve(sizesOf(record, comparisons).map(({ rl }) => rl)));
    return `${peak.gold.toFixed(2)} to ${end.gold.toFixed(2)}, with the score from ${peak.proxy.toFixed(2)} to ${end.proxy.toFixed(2)}, at ${comparisons}`;
  });
  return `Under PPO gold turns down while the score goes on rising in ${list(counts)} comparisons. The mean over the seeds goes
from its peak of ${list(falls)}.`;
}
