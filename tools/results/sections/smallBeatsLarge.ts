/** Small beats large, as RESULTS.md tells it. */
import { spreadOf } from '../seeds';
import type { Hue } from '../plot/marks';
import { forestPlot } from '../plot/forestPlot';
import { CONTESTS, contestName, type ContestSide, type SmallBeatsLarge } from '../smallBeatsLarge';
import { amount, madeOn, modelTable, percent, reason, spread, table, wholePercent, type Section } from './words';

export function smallBeatsLargeSection(records: readonly SmallBeatsLarge[], note: string | undefined): Section {
  const figures: Record<string, string> = {};
  const parts = records.map((record) => {
    const file = `small-beats-large-${record.small.preset}-${record.large.preset}.svg`;
    figures[file] = figureOf(record);
    return partOf(record, file, note);
  });
  return { markdown: [INTRODUCTION, ...parts].join('\n'), figures };
}

const INTRODUCTION = `## Small beats large

**Question.** Is a small model that was tuned on rankings preferred to a model of more than ten times its size that was not?

**What the field found.** Yes. People preferred the replies of InstructGPT with 1.3 billion parameters to those of GPT-3 with
175 billion (Ouyang et al. 2022, *Training language models to follow instructions with human feedback*, figure 1), and
summaries of a tuned model of 1.3 billion to those of a supervised model of 12.9 billion (Stiennon et al. 2020, *Learning
to summarize from human feedback*, figure 1).
`;

const RIVALS: readonly ContestSide[] = ['largeBase', 'largePrompted', 'largeSft'];

/** What a side is called. */
function wordsFor({ small, large, plan }: SmallBeatsLarge): Record<ContestSide, string> {
  return {
    policy: `tuned ${small.preset}`,
    sft: `${small.preset} SFT`,
    largeBase: `${large.preset} base`,
    largePrompted: `${large.preset} base, shown ${plan.shots} examples`,
    largeSft: `${large.preset} SFT`,
  };
}

const valuesOf = ({ seeds }: SmallBeatsLarge, name: string): number[] =>
  seeds.map(({ contests }) => contests[name]?.mean.value ?? NaN);

function figureOf(record: SmallBeatsLarge): string {
  const words = wordsFor(record);
  const rows = (ours: ContestSide, hue: Hue): Parameters<typeof forestPlot>[0]['groups'][number] => ({
    name: `${words[ours]} is preferred to`,
    rows: CONTESTS.filter((pair) => pair.ours === ours).map((pair) => ({
      label: words[pair.theirs],
      hue,
      marks: record.seeds.flatMap(({ contests }) => {
        const mean = contests[contestName(pair)]?.mean;
        return mean ? [{ value: mean.value, low: mean.low, high: mean.high }] : [];
      }),
    })),
  });
  const { small, large } = record;
  return forestPlot({
    title: `${small.preset} (${amount(small.parameters)}) against ${large.preset} (${amount(large.parameters)} parameters)`,
    axis: 'win rate, ties half; a mark and its 95% interval for each seed',
    range: [0, 1],
    format: wholePercent,
    reference: { at: 0.5, label: 'even odds' },
    groups: [rows('policy', 'policy'), rows('sft', 'sft')],
  });
}

function partOf(record: SmallBeatsLarge, file: string, note: string | undefined): string {
  const { small, large, plan, seeds, text, made } = record;
  const words = wordsFor(record);
  const { rankings, labeler } = plan.loop;
  const times = (large.parameters / small.parameters).toFixed(1);
  const byContest = CONTESTS.map((pair) => [
    `${words[pair.ours]} over ${words[pair.theirs]}`,
    spread(valuesOf(record, contestName(pair))),
    ...seeds.map(({ contests }) => {
      const mean = contests[contestName(pair)]?.mean;
      return mean ? `${percent(mean.value)} (${(100 * mean.low).toFixed(1)}–${(100 * mean.high).toFixed(1)})` : '';
    }),
  ]);
  const labelers = Object.keys(seeds[0]?.contests[contestName(CONTESTS[0])]?.byLabeler ?? {});
  const byLabeler = RIVALS.map((theirs) => [
    `${words.policy} over ${words[theirs]}`,
    ...labelers.map((name) =>
      spread(
        seeds.map(({ contests }) => contests[contestName({ ours: 'policy', theirs })]?.byLabeler[name]?.value ?? NaN),
      ),
    ),
  ]);
  const gold = Object.entries(words).map(([side, word]) => {
    const { mean, sd } = spreadOf(seeds.map((seed) => seed.gold[side as ContestSide].mean));
    return [word, `${mean.toFixed(3)} ± ${sd.toFixed(3)}`];
  });
  const kl = spreadOf(seeds.map(({ loop }) => loop.ppo.kl));
  const accuracy = seeds.map(({ loop }) => loop.rewardModel.heldOutAccuracy ?? NaN);
  const prediction = [small, large].flatMap(({ preset }, i) =>
    (['base', 'sft'] as const).map((role) => {
      const { perplexity, bitsPerByte } = text[i === 0 ? 'small' : 'large'][role];
      return [`${preset} ${role === 'sft' ? 'SFT' : role}`, perplexity.toFixed(2), bitsPerByte.toFixed(3)];
    }),
  );
  return `### ${small.preset} and ${large.preset}

**Set-up.** \`${small.preset}\` was tuned by ${rankings} rankings of the labeler *${labeler}*, a reward model and ${plan.loop.settings.ppo.updates} updates of
PPO, with the page's own settings. \`${large.preset}\` has ${times} times its parameters. Both read the same kind of text about
the core of the town. A seed draws everything anew: rankings, reward model, PPO, ${plan.prompts} held-out prompts about the
core, ${plan.samples} replies a side at temperature ${plan.temperature}. Four labelers choose whose taste no reward model has
learned; the win rate is the mean of theirs, ties half, its 95% interval clustered by prompt. A base model is asked in the
form of the threads that it has read: plainly, and shown ${plan.shots} good answers to prompts of the same kind, its reply then
cut at the line.

${modelTable([small, large])}

![Win rates of ${small.preset} against ${large.preset}](results/${file})

${table(['win rate', 'mean ± sd (lowest–highest)', ...seeds.map(({ seed }) => `seed ${seed}`)], byContest)}

By labeler, mean ± sd over the seeds (lowest–highest):

${table(['win rate', ...labelers], byLabeler)}

Gold score of the balanced labeler, 0 to 1, mean ± sd over the seeds:

${table(['model', 'gold'], gold)}

How well each predicts the same held-out text about the core:

${table(['model', 'perplexity a token', 'bits a byte'], prediction)}

The reward models put ${spread(accuracy)} of held-out pairs in order; the tuned models are ${kl.mean.toFixed(2)} ± ${kl.sd.toFixed(2)} nats a reply
from SFT. ${madeOn(made)}

**What it says.** ${verdict(record, words)}

${reason(appears(record), note)}`;
}

/** In every seed the interval against every rival is above even odds. */
export function appears({ seeds }: SmallBeatsLarge): boolean {
  return RIVALS.every((theirs) =>
    seeds.every(({ contests }) => (contests[contestName({ ours: 'policy', theirs })]?.mean.low ?? 0) > 0.5),
  );
}

function verdict(record: SmallBeatsLarge, words: Record<ContestSide, string>): string {
  const { seeds, small } = record;
  const rates = RIVALS.map((theirs) => {
    const { mean } = spreadOf(valuesOf(record, contestName({ ours: 'policy', theirs })));
    return `to ${words[theirs]} ${percent(mean)}`;
  });
  const short = RIVALS.map((theirs) => {
    const name = contestName({ ours: 'policy', theirs });
    const clear = seeds.filter(({ contests }) => (contests[name]?.mean.low ?? 0) > 0.5).length;
    return clear === seeds.length ? null : `against ${words[theirs]} in ${clear} of ${seeds.length}`;
  }).filter((line) => line !== null);
  const intervals =
    short.length === 0
      ? `In all ${seeds.length} seeds every interval lies above even odds`
      : `The interval lies above even odds ${short.join(', ')} seeds`;
  return `Tuned ${small.preset} is preferred ${rates.slice(0, -1).join(', ')} and ${rates.at(-1)} of the time. ${intervals}: the result ${
    appears(record) ? 'appears' : 'does not appear in full'
  } at this scale.`;
}
