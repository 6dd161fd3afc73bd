/** Best of n, as RESULTS.md tells it. */
import type { BestOfNPoint, BestOfNResult } from '../bestOfNResult';
import { poolWinRateBound } from '../bestOfNCurve';
import { type Line, linePlot } from '../plot/linePlot';
import { spreadOf } from '../seeds';
import { amount, madeOn, modelTable, reason, table, type Section } from './words';

const INTRODUCTION = `## Best of n

**Question.** How far from the policy is the best of n samples, and what does it give, against PPO at the same distance?

**What the field found.** Its KL is at most log n − (n − 1)/n and its win rate at most n/(n + 1), less where samples can tie
(Beirami et al. 2024, arXiv:2401.01879). For the same KL it reaches more gold than RL does (Gao et al. 2022).
`;

const pointsOf = ({ seeds }: BestOfNResult, n: number): BestOfNPoint[] =>
  seeds.flatMap(({ bestOfN }) => bestOfN.filter((point) => point.n === n));

/** Both bounds hold everywhere, and at equal KL best of n has at least the gold of PPO, on average over the seeds. */
export function appears(record: BestOfNResult): boolean {
  const under = record.seeds.every(({ bestOfN }) =>
    bestOfN.every(
      ({ n, kl, klBound, proxyWinRate }) =>
        kl <= klBound + 1e-6 && proxyWinRate <= poolWinRateBound(n, record.plan.pool) + 1e-6,
    ),
  );
  const ahead = compared(record);
  return under && ahead.length > 0 && ahead.every(({ difference }) => difference >= 0);
}

/** Gold of best of n less that of PPO, at each KL that PPO came to and best of n reaches. */
export function compared(record: BestOfNResult): { kl: number; difference: number }[] {
  return record.plan.klTargets.flatMap((target) => {
    const each = record.seeds.flatMap(({ bestOfN, ppo }) => {
      const own = ppo.find((point) => point.target === target);
      const gold = own && goldAt(bestOfN, own.kl);
      return own && gold !== undefined ? [{ kl: own.kl, difference: gold - own.gold }] : [];
    });
    if (each.length < record.seeds.length) return [];
    return [
      {
        kl: spreadOf(each.map(({ kl }) => kl)).mean,
        difference: spreadOf(each.map(({ difference }) => difference)).mean,
      },
    ];
  });
}

/** Between the points, along a line; undefined beyond them. */
function goldAt(points: readonly BestOfNPoint[], kl: number): number | undefined {
  for (let i = 1; i < points.length; i++) {
    const [low, high] = [points[i - 1] as BestOfNPoint, points[i] as BestOfNPoint];
    if (kl >= low.kl && kl <= high.kl)
      return low.gold + ((kl - low.kl) / Math.max(high.kl - low.kl, 1e-12)) * (high.gold - low.gold);
  }
  return undefined;
}

export function bestOfNSection(records: readonly BestOfNResult[], note: string | undefined): Section {
  const figures: Record<string, string> = {};
  const parts = records.map((record) => {
    const name = `best-of-n-${record.model.preset}.svg`;
    figures[name] = figureOf(record);
    return `![Gold against KL](results/${name})\n\n${partOf(record, note)}`;
  });
  return { markdown: [INTRODUCTION, ...parts].join('\n'), figures };
}

const meanOf = <T>(list: readonly T[], of: (one: T) => number): number => spreadOf(list.map(of)).mean;

function figureOf(record: BestOfNResult): string {
  const bestOfN: Line = {
    label: 'best of n',
    hue: 'sft',
    points: record.plan.n.map((n) => {
      const own = pointsOf(record, n);
      return [meanOf(own, ({ kl }) => kl), meanOf(own, ({ gold }) => gold)] as const;
    }),
  };
  const ppo: Line = {
    label: 'PPO',
    hue: 'policy',
    points: [
      [0, meanOf(record.seeds, ({ sftGold }) => sftGold)],
      ...record.plan.klTargets.map((target) => {
        const own = record.seeds.flatMap((seed) => seed.ppo.filter((point) => point.target === target));
        return [meanOf(own, ({ kl }) => kl), meanOf(own, ({ gold }) => gold)] as const;
      }),
    ],
  };
  const values = [...bestOfN.points, ...ppo.points].map(([, value]) => value);
  return linePlot({
    title: 'Gold at equal KL: best of n and PPO',
    xAxis: 'KL from the SFT model, nats a reply; means over the seeds',
    yAxis: 'gold score',
    range: [Math.min(...values) - 0.02, Math.max(...values) + 0.02],
    format: (value) => value.toFixed(2),
    lines: [bestOfN, ppo],
  });
}

const two = (values: readonly number[]): string => {
  const { mean, sd } = spreadOf(values);
  return `${mean.toFixed(3)} ± ${sd.toFixed(3)}`;
};

function partOf(record: BestOfNResult, note: string | undefined): string {
  const { plan, seeds, model, made } = record;
  const rows = plan.n.map((n) => {
    const own = pointsOf(record, n);
    return [
      String(n),
      two(own.map(({ kl }) => kl)),
      (own[0]?.klBound ?? NaN).toFixed(3),
      two(own.map(({ proxyWinRate }) => proxyWinRate)),
      poolWinRateBound(n, plan.pool).toFixed(3),
      two(own.map(({ gold }) => gold)),
      two(own.map(({ proxy }) => proxy)),
    ];
  });
  const tuned = plan.klTargets.map((target) => {
    const own = seeds.flatMap(({ ppo }) => ppo.filter((point) => point.target === target));
    return [
      String(target),
      two(own.map(({ kl }) => kl)),
      two(own.map(({ gold }) => gold)),
      two(own.map(({ proxy }) => proxy)),
    ];
  });
  const differences = compared(record).map(
    ({ kl, difference }) => `${difference >= 0 ? '+' : '−'}${Math.abs(difference).toFixed(3)} at ${kl.toFixed(2)} nats`,
  );
  return `### ${model.preset} (${amount(model.parameters)} parameters)

**Set-up.** A reward model of ${plan.rankings} rankings chooses among ${plan.pool} replies of the SFT model to each of ${plan.prompts} held-out prompts;
what the best of n gives is the expectation over all draws from them, and its KL is that of the drawn distribution, where replies
that are the same are one. The win rate is by the reward model itself, over a sample of the SFT model, since the bound is on that;
from a pool of m replies the bound is n(m + 1)/((n + 1)m) − 1/(2m).
PPO is run with ${plan.klTargets.length} targets of its controller. ${seeds.length} seeds.

${table(['n', 'KL', 'its bound', 'win rate', 'its bound', 'gold', 'score'], rows)}

${table(['PPO, target', 'KL', 'gold', 'score'], tuned)}

${modelTable([model])}

${madeOn(made)}

**What it says.** ${
    differences.length > 0
      ? `Gold of best of n less that of PPO at the same KL: ${differences.join('; ')}.`
      : 'PPO ends further away than any n that was tried.'
  }

${reason(appears(record), note)}`;
}
