/** What `npm run demo` found with several seeds, as the README shows it. */
import type { LoopReport } from '../../../src/app/loopReport';
import type { Share } from '../../../src/session/protocol';
import { PROMPT_KINDS } from '../../../src/text/world/prompts';
import { spreadOf } from '../seeds';
import { list, percent, table } from './words';

/** A report with a number for every figure, as the demo writes it where it ends well. */
type Whole<T> = { [K in keyof T]: T[K] extends object | null ? Whole<NonNullable<T[K]>> : NonNullable<T[K]> };
export type DemoReport = Whole<LoopReport>;

interface Figure {
  name: string;
  of: (report: DemoReport) => number;
  text: (value: number) => string;
  /** What stands after the value of one seed. */
  more?: (report: DemoReport) => string;
}

const share = (value: number): string => value.toFixed(3).replace(/^0/, '');
const interval = ({ low, high }: { low: number; high: number }): string => ` (${share(low)}–${share(high)})`;

const FIGURES: readonly Figure[] = [
  { name: 'gold score of the SFT model', of: ({ stages }) => stages.sft.gold.mean, text: share },
  { name: 'gold score of the policy', of: ({ stages }) => stages.ppo.gold.mean, text: share },
  {
    name: 'win rate of the policy over SFT (95% interval)',
    of: ({ stages }) => stages.ppo.winRateVsSft.value,
    text: share,
    more: ({ stages }) => interval(stages.ppo.winRateVsSft),
  },
  {
    name: 'the same, of pairs that are not a tie',
    of: ({ stages }) => stages.ppo.winRateVsSft.decided,
    text: share,
  },
  { name: 'win rate over the base model', of: ({ stages }) => stages.ppo.winRateVsBase.value, text: share },
  { name: 'KL from SFT, nats a reply', of: ({ stages }) => stages.ppo.kl, text: (nats) => nats.toFixed(2) },
  {
    name: 'reward model, held-out pairs in order',
    of: ({ stages }) => stages.rewardModel.heldOutAccuracy,
    text: share,
  },
  { name: 'minutes', of: ({ seconds }) => seconds / 60, text: (minutes) => minutes.toFixed(1) },
];

/** The reports of one preset. */
export function demosBlock(reports: readonly DemoReport[]): string {
  const seeds = [...reports].sort((a, b) => a.seed - b.seed);
  const [first] = seeds;
  if (!first) throw new RangeError('Expected reports of the demo, got none.');
  const adapters = [...new Set(seeds.map(({ adapter }) => adapter))];
  const figures = FIGURES.map(({ name, of, text, more }) => [
    name,
    text(spreadOf(seeds.map(of)).mean),
    ...seeds.map((report) => `${text(of(report))}${more?.(report) ?? ''}`),
  ]);
  return `\`npm run demo -- --preset ${first.preset} --seed S\` on ${list(adapters)}:

${table(['figure', 'mean', ...seeds.map(({ seed }) => `seed ${seed}`)], figures)}

${rightByKind(seeds)}`;
}

/** A policy may win by manners and lose what was right: each kind of prompt, all seeds together. */
function rightByKind(reports: readonly DemoReport[]): string {
  const rows = PROMPT_KINDS.flatMap((kind) => {
    const before = sumOf(reports.map(({ stages }) => stages.sft.right[kind]));
    const after = sumOf(reports.map(({ stages }) => stages.ppo.right[kind]));
    if (before.of === 0 || after.of === 0) return [];
    return [{ kind, before, after, ...difference(before, after) }];
  });
  const worse = rows.filter(({ mean, margin }) => mean + margin < 0).map(({ kind }) => kind);
  const verdict =
    worse.length === 0
      ? 'No kind of prompt is answered worse than before, beyond chance'
      : `Answered worse than before: ${list(worse)}`;
  const points = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(100 * value).toFixed(0)}`;
  return `${verdict} (right replies at temperature 1, all seeds; difference in points with its 95% interval):

${table(
  ['kind of prompt', 'replies', 'SFT', 'policy', 'difference'],
  rows.map(({ kind, before, after, mean, margin }) => [
    kind,
    String(after.of),
    rate(before),
    rate(after),
    `${points(mean)} ± ${(100 * margin).toFixed(0)}`,
  ]),
)}`;
}

const rate = ({ hits, of }: Share): string => percent(hits / of, 0);

function sumOf(shares: readonly (Share | undefined)[]): Share {
  return {
    hits: shares.reduce((sum, own) => sum + (own?.hits ?? 0), 0),
    of: shares.reduce((sum, own) => sum + (own?.of ?? 0), 0),
  };
}

/** Of two shares, each with its binomial variance; a little added, so that none of few is not certain (Agresti, Caffo 2000). */
function difference(before: Share, after: Share): { mean: number; margin: number } {
  const variance = ({ hits, of }: Share): number => {
    const p = (hits + 1) / (of + 2);
    return (p * (1 - p)) / (of + 2);
  };
  return {
    mean: after.hits / after.of - before.hits / before.of,
    margin: 1.96 * Math.sqrt(variance(before) + variance(after)),
  };
}
