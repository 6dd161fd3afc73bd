/** Random walks, as RESULTS.md tells it. */
import { forestPlot } from '../plot/forestPlot';
import { WALK_METHODS, type RandomWalks, type WalkMethod, type WalkOutcome } from '../randomWalks';
import { spreadOf } from '../seeds';
import { amount, list, madeOn, reason, spread, table, wholePercent, type Section } from './words';

const FIGURE = 'random-walks.svg';

const INTRODUCTION = `## Random walks

**Question.** Do the methods find what is known to be best, where it is not shown to them?

**What the field does.** The benchmark of trlX: a directed graph of 21 nodes with an edge between two of them with a chance
of 0.1, 1,000 random walks of at most 10 nodes to learn from, and the shortest way to node 0 to be found. A walk's
*optimality* is 1 where it is as short as can be from its first node, and 0 where it takes all 10 nodes, misses the goal, or
goes where there is no edge. trlX publishes scripts for PPO, ILQL and rejection-sampling fine-tuning, but no scores.
`;

export function randomWalksSection(records: readonly RandomWalks[], note: string | undefined): Section {
  return {
    markdown: [
      INTRODUCTION,
      `![Optimality of walks by method](results/${FIGURE})\n`,
      ...records.map((one) => partOf(one, note)),
    ].join('\n'),
    figures: { [FIGURE]: figureOf(records) },
  };
}

const of = ({ seeds }: RandomWalks, method: WalkMethod, value: (outcome: WalkOutcome) => number): number[] =>
  seeds.map(({ outcomes }) => value(outcomes[method]));

function figureOf(records: readonly RandomWalks[]): string {
  return forestPlot({
    title: 'Random walks: how near to the shortest way',
    axis: 'mean optimality of sampled walks; a mark for each seed',
    range: [0, 1],
    format: wholePercent,
    groups: records.map((record) => ({
      rows: WALK_METHODS.map((method) => ({
        label: method,
        hue: method === 'imitation' ? ('base' as const) : ('policy' as const),
        marks: of(record, method, ({ sampled }) => sampled).map((value) => ({ value })),
      })),
    })),
  });
}

function partOf(record: RandomWalks, note: string | undefined): string {
  const { plan, seeds, parameters, made } = record;
  const rows = WALK_METHODS.map((method) => [
    method,
    spread(of(record, method, ({ sampled }) => sampled)),
    ...of(record, method, ({ sampled }) => sampled).map((value) => wholePercent(value)),
    spread(of(record, method, ({ greedy }) => greedy)),
    spread(of(record, method, ({ arrived }) => arrived)),
    amount(seeds[0]?.outcomes[method].episodes ?? 0),
    spreadOf(of(record, method, ({ seconds }) => seconds)).mean.toFixed(0),
  ]);
  return `**Set-up.** A GPT of ${amount(parameters)} parameters imitates ${amount(plan.walks)} random walks
(${plan.imitation.epochs} epochs); every method starts from it. The seed is that of graph, walks, weights and sampling. The
reward is a walk's optimality; nothing is charged for drift, as in trlX. PPO, RLOO and GRPO take ${plan.ppo.updates} updates of
${plan.ppo.batchSize} walks, rejection sampling ${plan.rejectionSampling.rounds} rounds of ${plan.rejectionSampling.prompts} prompts
with the best of ${plan.rejectionSampling.n}; ILQL samples nothing and learns from the walks and their rewards alone. Walks are
judged from every node from which the goal can be reached in time, ${plan.samples} sampled at temperature 1, and one greedy.

${table(['method', 'optimality, sampled: mean ± sd (lowest–highest)', ...seeds.map(({ seed }) => `seed ${seed}`), 'greedy', 'arrive, sampled', 'walks sampled', 'seconds'], rows)}

${madeOn(made)}

**What it says.** ${verdict(record)}

${reason(appears(record), note)}`;
}

/** What a method has to reach in every seed. */
const NEAR_THE_BEST = 0.9;

const learned = WALK_METHODS.filter((method) => method !== 'imitation');
const reached = (record: RandomWalks, method: WalkMethod): boolean =>
  of(record, method, ({ sampled }) => sampled).every((value) => value >= NEAR_THE_BEST);

export const appears = (record: RandomWalks): boolean => learned.every((method) => reached(record, method));

function verdict(record: RandomWalks): string {
  const mean = (method: WalkMethod): string => wholePercent(spreadOf(of(record, method, ({ sampled }) => sampled)).mean);
  const short = learned.filter((method) => !reached(record, method));
  const all =
    short.length === 0
      ? `Every method finds walks within ${wholePercent(1 - NEAR_THE_BEST)} of the best with every seed`
      : `${list(short)} ${short.length === 1 ? 'stays' : 'stay'} below ${wholePercent(NEAR_THE_BEST)} with some seed`;
  return `${all}: ${list(learned.map((method) => `${method} ${mean(method)}`))}, from ${mean('imitation')} by imitation.`;
}
