/** The KL controller, as RESULTS.md tells it. */
import type { KlControl } from '../klControl';
import { type Line, linePlot } from '../plot/linePlot';
import { spreadOf } from '../seeds';
import { amount, madeOn, modelTable, reason, table, type Section } from './words';

const INTRODUCTION = `## The KL controller

**Question.** Does the controller hold the drift that it is asked for?

**What the field found.** Yes: with a target of 6 nats the drift overshoots to 7 or 8 in the beginning, comes back and stays; the
coefficient climbs until it holds, and the score bumps, dips and climbs (Ziegler et al. 2019; ten seeds of a reproduction in
Huang et al. 2024, *The N implementation details of RLHF with PPO*).
`;

/** Nats that the drift of the last third may be off. */
const HELD_WITHIN = 1;

type Run = KlControl['seeds'][number];
/** Of the last third of a run. */
const held = (values: readonly number[]): number => spreadOf(values.slice(Math.floor((2 * values.length) / 3))).mean;

export const appears = ({ plan, seeds }: KlControl): boolean =>
  seeds.every(({ kl }) => Math.abs(held(kl) - plan.ppo.klTarget) <= HELD_WITHIN);

export function klControlSection(records: readonly KlControl[], note: string | undefined): Section {
  const figures: Record<string, string> = {};
  const parts = records.map((record) => {
    const plots = (['kl', 'coefficient', 'score', 'gold'] as const).map((what) => {
      const name = `kl-controller-${record.model.preset}-${what}.svg`;
      figures[name] = figureOf(record, what);
      return `![${WORDS[what]}](results/${name})`;
    });
    return `${plots.join('\n')}\n\n${partOf(record, note)}`;
  });
  return { markdown: [INTRODUCTION, ...parts].join('\n'), figures };
}

const WORDS = {
  kl: 'drift, nats a reply',
  coefficient: 'coefficient, β',
  score: 'score, deviations',
  gold: 'gold score',
} as const;

function figureOf({ plan, seeds }: KlControl, what: keyof typeof WORDS): string {
  const updates = Math.min(...seeds.map((run) => run[what].length));
  const lines: Line[] = seeds.map((run) => ({
    hue: 'policy',
    faint: true,
    points: run[what].map((value, i) => [i + 1, value] as const),
  }));
  const means = Array.from({ length: updates }, (_, i) => spreadOf(seeds.map((run) => run[what][i] as number)).mean);
  lines.push({ label: 'mean', hue: 'policy', points: means.map((value, i) => [i + 1, value] as const) });
  const values = seeds.flatMap((run) => run[what]);
  const most = what === 'kl' ? Math.max(plan.ppo.klTarget, ...values) : Math.max(...values);
  return linePlot({
    title: `The KL controller: ${WORDS[what]}`,
    xAxis: 'update; a thin line for each seed',
    yAxis: WORDS[what],
    range: [Math.min(0, ...values), most * 1.05],
    format: (value) => value.toFixed(2),
    lines,
    ...(what === 'kl' ? { reference: { at: plan.ppo.klTarget, label: 'target' } } : {}),
  });
}

function partOf(record: KlControl, note: string | undefined): string {
  const { plan, seeds, model, made } = record;
  const last = (values: readonly number[]): string => (values.at(-1) ?? NaN).toFixed(2);
  const rows = seeds.map(({ seed, kl, coefficient, score, gold }: Run) => [
    String(seed),
    `${Math.max(...kl).toFixed(2)} at update ${kl.indexOf(Math.max(...kl)) + 1}`,
    held(kl).toFixed(2),
    `${(coefficient[0] ?? NaN).toFixed(2)} → ${last(coefficient)}`,
    `${(score[0] ?? NaN).toFixed(2)} → ${last(score)}`,
    `${(gold[0] ?? NaN).toFixed(2)} → ${last(gold)}`,
  ]);
  return `### ${model.preset} (${amount(model.parameters)} parameters)

**Set-up.** PPO of ${plan.ppo.updates} updates of ${plan.ppo.batchSize} replies with a target of ${plan.ppo.klTarget} nats, a coefficient of ${plan.ppo.klCoef} to begin with
and a horizon of ${plan.ppo.klHorizon} replies, on a reward model of ${plan.rankings} rankings, for each of ${seeds.length} seeds.

${table(['seed', 'highest drift', 'drift of the last third', 'coefficient', 'score', 'gold'], rows)}

${modelTable([model])}

${madeOn(made)}

**What it says.** Over the last third the drift is ${seeds.map(({ kl }) => held(kl).toFixed(2)).join(', ')} nats: ${
    appears(record)
      ? `within ${HELD_WITHIN} nat of the target with every seed.`
      : `not within ${HELD_WITHIN} nat of the target with every seed.`
  }

${reason(appears(record), note)}`;
}
