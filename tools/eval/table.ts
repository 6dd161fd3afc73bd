/** An evaluation as a table for a terminal. */
import type { Estimate, EvaluationReport, ModelRole, ReplyMeasures, Share, WinRate } from '../../src/session/protocol';
import { GOLD_PARTS } from '../../src/text/world/gold';
import { HELD_OUT_SIDES, PROMPT_KINDS, type HeldOutSide } from '../../src/text/world/prompts';

const ROLES: readonly ModelRole[] = ['base', 'sft', 'policy'];
const ROLE_NAMES: Record<ModelRole, string> = { base: 'base', sft: 'SFT', policy: 'RLHF' };
const SIDE_NAMES: Record<HeldOutSide, string> = {
  phrasing: 'new wording',
  combination: 'new combination',
  unasked: 'never asked',
};

/** The first cell, then one for each model. */
type Row = string[];

const percent = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) ? '–' : `${(100 * value).toFixed(1)}%`;
const figure = (value: number | undefined, digits = 3): string => (value === undefined ? '–' : value.toFixed(digits));
const share = (value: Share | undefined): string =>
  !value || value.of === 0 ? '–' : `${percent(value.hits / value.of)} of ${value.of}`;
const estimate = (value: Estimate | undefined): string =>
  value ? `${figure(value.mean)} ± ${figure(1.96 * value.se)}` : '–';

/** Every number of the report, in lines. */
export function evaluationTable(report: EvaluationReport): string {
  const roles = ROLES.filter((role) => report.measures[role]);
  const row = (name: string, cell: (measures: ReplyMeasures, role: ModelRole) => string): Row => [
    name,
    ...roles.map((role) => cell(report.measures[role] as ReplyMeasures, role)),
  ];
  const head = (title: string): Row => [title, ...roles.map((role) => ROLE_NAMES[role])];
  const right = [head('right'), ...PROMPT_KINDS.flatMap((kind) => kindRows(kind, report, row))];
  const manners = [
    row('refuses improper requests', ({ refusals }) => share(refusals)),
    row('refuses proper look-alikes', ({ overRefusals }) => share(overRefusals)),
    row('keeps a name over three turns', ({ keptNames }) => share(keptNames)),
  ];
  const gold = [
    row(`gold (${report.labeler}, 95%)`, (_, role) => estimate(report.gold[role])),
    ...GOLD_PARTS.map((part) => row(`  ${part}`, ({ goldParts }) => figure(goldParts[part]))),
  ];
  const text = [
    row('perplexity of held-out text', (_, role) => figure(report.perplexity[role], 2)),
    row('distinct-1', ({ distinct1 }) => figure(distinct1)),
    row('distinct-2', ({ distinct2 }) => figure(distinct2)),
    row('BLEU-2', ({ bleu }) => figure(bleu)),
    row('ROUGE-L', ({ rougeL }) => figure(rougeL)),
  ];
  const rates = [
    ['RLHF is preferred to SFT', report.winRateVsSft],
    ['RLHF is preferred to base', report.winRateVsBase],
    ['SFT is preferred to base', report.winRateSftVsBase],
  ] as const;
  const wins = rates.flatMap(([name, rate]): Row[] => (rate ? [[name, winRateWords(rate)]] : []));
  if (report.kl !== null) wins.push(['RLHF from SFT', `${report.kl.toFixed(2)} nats a reply`]);
  const sections = [right, manners, gold, text];
  const widths = widthsOf(sections.flat());
  return [
    `${report.prompts} prompts (${report.split}), ${report.samplesPerPrompt} a prompt at temperature ${report.temperature}`,
    ...sections.map((rows) => rows.map((cells) => line(cells, widths)).join('\n')),
    wins.map((cells) => line(cells, widthsOf(wins))).join('\n'),
  ]
    .filter((section) => section !== '')
    .join('\n\n');
}

/** A kind of prompt, and its sides below it where there are several. */
function kindRows(
  kind: string,
  { measures }: EvaluationReport,
  row: (name: string, cell: (measures: ReplyMeasures) => string) => Row,
): Row[] {
  const sides = HELD_OUT_SIDES.filter((side) => Object.values(measures).some(({ right }) => right[side][kind]));
  if (sides.length === 0) return [];
  const below = sides.map((side) => row(`  ${SIDE_NAMES[side]}`, ({ right }) => share(right[side][kind])));
  return [row(kind, ({ right }) => share(right.all[kind])), ...(sides.length > 1 ? below : [])];
}

function winRateWords({ value, low, high, decided }: WinRate): string {
  return `${percent(value)} (${percent(low)} to ${percent(high)}), ${percent(decided)} of those decided`;
}

function widthsOf(rows: readonly Row[]): number[] {
  const columns = Math.max(0, ...rows.map(({ length }) => length));
  return Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
}

/** Names to the left, figures to the right. */
function line(cells: Row, widths: readonly number[]): string {
  const padded = cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)));
  return `  ${padded.join('   ')}`.trimEnd();
}
