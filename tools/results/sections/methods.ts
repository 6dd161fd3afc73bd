/** Every method at equal labels, as RESULTS.md tells it. */
import { METHOD_NAMES, type MethodOutcome, type Methods } from '../methods';
import { forestPlot } from '../plot/forestPlot';
import type { Made } from '../records';
import { spreadOf } from '../seeds';
import { amount, list, madeOn, modelTable, reason, spread, table, wholePercent, type Section } from './words';

const FIGURE = 'methods.svg';

const INTRODUCTION = `## Every method at equal labels

**Question.** From one SFT model, the same rankings and the same reward model: what does each method make of them?

**What the field found.** With the same comparisons PPO is ahead of DPO where the reward model generalises (Xu et al. 2024,
arXiv:2404.10719; Ivison et al. 2024, arXiv:2406.09279), simpler policy gradients do as well as PPO (Ahmadian et al. 2024,
arXiv:2402.14740), and best of n is hard to beat at the price of n answers.
`;

export function methodsSection(records: readonly Methods[], note: string | undefined): Section {
  return {
    markdown: [
      INTRODUCTION,
      `![Win rates by method](results/${FIGURE})\n`,
      ...records.map((one) => partOf(one, note)),
    ].join('\n'),
    figures: { [FIGURE]: figureOf(records) },
  };
}

/** In the order of the table. */
const measured = ({ seeds }: Methods): string[] =>
  METHOD_NAMES.filter((method) => seeds.every(({ outcomes }) => outcomes[method]));

const of = ({ seeds }: Methods, method: string): MethodOutcome[] =>
  seeds.flatMap(({ outcomes }) => outcomes[method] ?? []);

function figureOf(records: readonly Methods[]): string {
  return forestPlot({
    title: 'Every method at equal labels',
    axis: 'win rate over the SFT model, held-out prompts; a mark for each seed',
    range: [0.3, 0.9],
    format: wholePercent,
    reference: { at: 0.5, label: 'even' },
    groups: records.map((record) => ({
      name: record.model.preset,
      rows: measured(record).map((method) => ({
        label: method,
        hue: 'policy' as const,
        marks: of(record, method).map(({ winRate: { value, low, high } }) => ({ value, low, high })),
      })),
    })),
  });
}

const signed = (value: number): string => value.toFixed(3).replace('-', '−');

const three = (values: readonly number[]): string => {
  const { mean, sd } = spreadOf(values);
  return `${signed(mean)} ± ${sd.toFixed(3)}`;
};

const lowToHigh = (values: readonly number[]): string =>
  `${Math.min(...values).toFixed(0)}–${Math.max(...values).toFixed(0)}`;

/** Gold rises in every seed, by more than chance. */
const rises = (record: Methods, method: string): boolean =>
  of(record, method).every(({ gain }) => gain.mean - 1.96 * gain.se > 0);

export const appears = (record: Methods): boolean =>
  METHOD_NAMES.every((method) => of(record, method).length > 0 && rises(record, method));

function partOf(record: Methods, note: string | undefined): string {
  const { plan, seeds, model, made } = record;
  const rows = measured(record).map((method) => {
    const own = of(record, method);
    const kls = own.flatMap(({ kl }) => (kl === null ? [] : [kl]));
    return [
      method,
      spread(own.map(({ winRate }) => winRate.value)),
      three(own.map(({ gold }) => gold.mean)),
      // Greedy there is one reply to each prompt, and nothing to choose from.
      kls.length > 0 ? three(own.map(({ greedyGold }) => greedyGold.mean)) : '–',
      own.map(({ gain }) => `${signed(gain.mean)} ± ${(1.96 * gain.se).toFixed(3)}`).join(', '),
      kls.length > 0 ? three(kls) : '–',
      (spreadOf(own.map(({ flops }) => flops)).mean / 1e9).toFixed(0),
      lowToHigh(own.map(({ seconds }) => seconds)),
    ];
  });
  const sft = (pick: (one: Methods['seeds'][number]['sft']) => number): string => three(seeds.map((seed) => pick(seed.sft)));
  const accuracy = three(seeds.map(({ rewardModel }) => rewardModel.heldOutAccuracy ?? NaN));
  return `### ${model.preset} (${amount(model.parameters)} parameters)

**Set-up.** ${plan.rankings} rankings of four replies by the simulated labeler, for each of ${seeds.length} seeds; the reward model that
learned from them orders ${accuracy} of held-out pairs. Every method starts from the shipped SFT model (gold
${sft(({ gold }) => gold.mean)} at temperature 1, ${sft(({ greedyGold }) => greedyGold.mean)} greedy) and is run by the page's own stage with the
page's own settings. Judged on ${plan.prompts} held-out prompts, ${plan.samples} replies each at temperature 1, and one greedy. The gain is of gold
over the SFT model on the same prompts, with its 95% interval, for each seed. Operations are estimated: two a weight and token of
a pass, six where it learns.${plan.ilql ? ilqlText(plan.ilql.beta) : ''}

${table(['method', 'win rate over SFT, mean ± sd (lowest–highest)', 'gold, temperature 1', 'gold, greedy', 'gain of gold, each seed', 'KL, nats a reply', 'GFLOP', 'seconds, lowest–highest'], rows)}

${modelTable([model])}

${madeOn(made)}${(record.added ?? []).map(laterOn).join('')}

**What it says.** ${verdict(record)}

${reason(appears(record), note)}`;
}

const ilqlText = (beta: number): string => `

ILQL is not in the page, since its policy is not one plain model. It samples nothing: it learns from the rankings' own replies,
in which each token earns what it adds to the reward model's normalised score of the reply. The SFT model, whose replies they
are, stays as it is; a copy of it learns Q and V, and tokens are drawn from softmax(log π + β (Q − V)) with β = ${beta} (Snell et
al. 2022, arXiv:2206.11871).`;

const laterOn = ({ methods, made }: { methods: readonly string[]; made: Made }): string =>
  `\n\nMeasured later, on the same rankings, reward model and replies of the SFT model: ${list(methods)}. ${madeOn(made)}`;

function verdict(record: Methods): string {
  const mean = (method: string): number => spreadOf(of(record, method).map(({ winRate }) => winRate.value)).mean;
  const ranked = measured(record).sort((one, other) => mean(other) - mean(one));
  const short = measured(record).filter((method) => !rises(record, method));
  const named = ranked.map((method) => `${method} ${wholePercent(mean(method))}`);
  const all =
    short.length === 0
      ? 'Every method raises gold with every seed, beyond chance'
      : `Gold does not rise beyond chance with every seed by ${list(short)}`;
  return `${all}. Win rates, best first: ${list(named)}.`;
}
