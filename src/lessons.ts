/**
 * Break it: seventeen real mistakes, each one switch, with the sign that it leaves in the numbers and its cure.
 *
 * A lesson makes two runs that differ in the switch alone, broken and cured, from the same SFT model, rankings and seed.
 * All of its signs are there in the broken run and none in the cured one; `npm run lessons` shows so for every one.
 */
import type { Settings } from './config';

/** Settings that differ from those of every lesson. */
export type LessonSettings = { [S in LessonStage]?: Partial<Settings[S]> };
export type LessonStage = 'sft' | 'rewardModel' | 'ppo';

/** How a column of a run becomes one number: its first or last steps, how far it rose, or the furthest that it went. */
export type Reading = 'first' | 'last' | 'rise' | 'highest' | 'lowest';

export interface Sign {
  /** A key of `METRICS[lesson.shows]`. */
  metric: string;
  reading: Reading;
  /** The sign is there where the number is not within these bounds. */
  healthy: { low?: number; high?: number };
}

export interface Lesson {
  id: string;
  /** What was done wrong, in plain words. */
  title: string;
  /** The field's own words. */
  term: string;
  /** The switch. */
  mistake: LessonSettings;
  /** What both runs have besides, so that the mistake can show itself. */
  both?: LessonSettings;
  /** The stage in whose numbers it shows. */
  shows: LessonStage;
  /** What happens, and why. */
  why: string;
  signs: readonly Sign[];
  /** Further metrics to look at, which alone tell nothing. */
  beside?: readonly string[];
  cure: string;
}

/** Every lesson runs with these; small, so that two runs take a minute. */
export const LESSON_PLAN = {
  /** Of a simulated labeler, `REPLIES_PER_PROMPT` replies each. */
  rankings: 200,
  heldOutRankings: 60,
  settings: {
    sft: { examples: 2000, epochs: 2, learningRate: 2e-3 },
    rewardModel: { epochs: 8, rankingsPerStep: 8, learningRate: 2e-3 },
    ppo: { updates: 12, batchSize: 64, minibatchSize: 32, ppoEpochs: 2, learningRate: 4e-4 },
  },
} as const satisfies { rankings: number; heldOutRankings: number; settings: LessonSettings };

export const LESSONS: readonly Lesson[] = [
  {
    id: 'no-leash',
    title: 'No leash',
    term: 'β = 0',
    mistake: { ppo: { klCoef: 0, adaptiveKl: 0 } },
    both: { ppo: { learningRate: 1e-3, updates: 24 } },
    shows: 'ppo',
    why: 'Nothing holds the policy to the model that it came from. It runs to wherever the reward model is wrong in its favour.',
    signs: [{ metric: 'objective/kl', reading: 'last', healthy: { high: 4 } }],
    beside: ['objective/scores', 'val/gold'],
    cure: 'Charge for drift: a leash of about 0.3, which the controller moves until the drift is the one asked for.',
  },
  {
    id: 'tight-leash',
    title: 'A leash that is too tight',
    term: 'β too large',
    mistake: { ppo: { klCoef: 10, adaptiveKl: 0 } },
    shows: 'ppo',
    why: 'Any change costs more than it can earn, so the policy stays what it was.',
    signs: [
      { metric: 'objective/kl', reading: 'last', healthy: { low: 0.2 } },
      { metric: 'objective/scores', reading: 'rise', healthy: { low: 0.2 } },
    ],
    cure: 'Loosen it until the drift is one to two nats a reply.',
  },
  {
    id: 'truncated-sampling',
    title: 'Sampling only likely words, scoring as if all were sampled',
    term: 'top-k in rollouts',
    mistake: { ppo: { topK: 3 } },
    shows: 'ppo',
    why: 'The sampler is then another policy than the one whose log-probs are taken: its words surprise the policy less than the policy says. In long runs probability moves to words that are never sampled, and the drift turns negative.',
    signs: [{ metric: 'val/surprise_gap', reading: 'first', healthy: { low: -1.5 } }],
    cure: 'Sample rollouts from the whole distribution, at the temperature by which log-probs are divided.',
  },
  {
    id: 'pad-is-stop',
    title: 'The stop token taken for padding',
    term: 'pad = eos',
    mistake: { sft: { padIsStop: 1 } },
    shows: 'sft',
    why: 'Padding is masked out of the loss, and the stop token with it. The model is never told that a reply ends.',
    signs: [{ metric: 'val/stopped', reading: 'last', healthy: { low: 0.9 } }],
    cure: 'Give padding a token of its own.',
  },
  {
    id: 'dropout-in-scoring',
    title: 'Dropout left on while scoring',
    term: 'dropout',
    mistake: { ppo: { scoringDropout: 0.1 } },
    shows: 'ppo',
    why: 'The log-probs of the rollout are those of a network with holes, the ones in training are not. Ratios are noise before anything was learnt.',
    signs: [
      { metric: 'val/ratio_first_deviation', reading: 'lowest', healthy: { high: 1e-4 } },
      { metric: 'policy/approxkl_avg', reading: 'last', healthy: { high: 0.1 } },
    ],
    cure: 'Turn dropout off in every model while PPO runs.',
  },
  {
    id: 'sign-flipped',
    title: 'The score with the wrong sign',
    term: 'reward sign flipped',
    mistake: { ppo: { scoreScale: -1 } },
    shows: 'ppo',
    why: 'Every curve that PPO sees looks well: the score rises, the drift is held. Only someone who reads the replies can tell, or a truth that was never learnt from.',
    signs: [{ metric: 'val/gold', reading: 'rise', healthy: { low: -0.03 } }],
    beside: ['objective/scores'],
    cure: 'Read some replies of every run, and keep a measure that is not the reward.',
  },
  {
    id: 'not-normalised',
    title: 'Scores on a scale of their own',
    term: 'reward not normalised',
    mistake: { rewardModel: { normalise: 0 } },
    shows: 'ppo',
    why: 'A ranking says nothing about where zero is, nor how far apart scores lie. The leash is then a price in an unknown currency, and the value model begins far from what it has to foretell.',
    signs: [{ metric: 'objective/scores', reading: 'first', healthy: { low: -0.7, high: 0.7 } }],
    cure: 'Shift and scale the reward model until replies of the reference policy score mean 0, deviation 1.',
  },
  {
    id: 'learning-rate',
    title: 'Steps that are too long',
    term: 'learning rate too high',
    mistake: { ppo: { learningRate: 5e-3 } },
    shows: 'ppo',
    why: 'One update leaves the region in which the replies it learns from say anything about the policy.',
    signs: [
      { metric: 'policy/approxkl_avg', reading: 'highest', healthy: { high: 0.1 } },
      { metric: 'objective/kl', reading: 'highest', healthy: { high: 4 } },
    ],
    cure: 'Lower the rate until the update size is about 0.01 at first.',
  },
  {
    id: 'adam-epsilon',
    title: "Adam's other epsilon",
    term: 'Adam epsilon',
    mistake: { ppo: { adamEpsilon: 1e-2 } },
    shows: 'ppo',
    why: 'Epsilon is added to the size of the gradient by which a step is divided: where it is the larger of the two, steps shrink. Libraries put it in different places and take different defaults, so the same number is another optimiser.',
    signs: [
      { metric: 'policy/approxkl_avg', reading: 'first', healthy: { low: 1e-3 } },
      { metric: 'objective/scores', reading: 'rise', healthy: { low: 0.2 } },
    ],
    cure: 'Know which form your library has, and compare the update size with that of a run that works.',
  },
  {
    id: 'few-labels',
    title: 'Too few rankings',
    term: 'too little preference data',
    mistake: { rewardModel: { mostRankings: 6 } },
    shows: 'rewardModel',
    why: 'The reward model learns the few by heart. All pairs that it trains on are in order, and those that it never saw are not.',
    signs: [{ metric: 'eval_accuracy', reading: 'last', healthy: { low: 0.7 } }],
    beside: ['accuracy'],
    cure: 'Rank more: two hundred rankings bring most of what there is to gain here.',
  },
  {
    id: 'biased-labeler',
    title: 'One labeler, who is in a hurry',
    term: 'biased labeler',
    mistake: { rewardModel: { spoiled: 3 } },
    shows: 'rewardModel',
    why: 'Whoever ranks the shortest reply first teaches shortness. The reward model agrees with that labeler in all pairs, and with nobody else.',
    signs: [{ metric: 'eval_accuracy', reading: 'last', healthy: { low: 0.65 } }],
    beside: ['accuracy'],
    cure: 'Have several people rank, hold out rankings of others, and look at what they disagree about.',
  },
  {
    id: 'length-bias',
    title: 'Longer is better',
    term: 'length bias',
    mistake: { rewardModel: { spoiled: 2 } },
    shows: 'ppo',
    why: 'Labelers take long replies for good ones, the reward model learns length, and PPO delivers it.',
    signs: [{ metric: 'tokens/responses_len_mean', reading: 'rise', healthy: { high: 2 } }],
    cure: 'Watch the length of replies, and rank so that short good ones win.',
  },
  {
    id: 'poisoned-labels',
    title: 'Rankings that were turned around',
    term: 'label poisoning',
    mistake: { rewardModel: { spoiled: 1, spoiledShare: 0.45 } },
    shows: 'rewardModel',
    why: 'Nearly half of the rankings say the opposite. The model can learn each by heart, and nothing that holds for others.',
    signs: [{ metric: 'eval_accuracy', reading: 'last', healthy: { low: 0.65 } }],
    beside: ['accuracy'],
    cure: 'Hold rankings out and look at the agreement of labelers before training on what they say.',
  },
  {
    id: 'value-untrained',
    title: 'A value model that does not learn',
    term: 'value model untrained',
    mistake: { ppo: { vfCoef: 0 } },
    both: { ppo: { valueFromReward: 0, updates: 24 } },
    shows: 'ppo',
    why: 'Nothing foretells what a reply will earn, so every token is blamed or praised for the luck of the whole reply.',
    signs: [{ metric: 'val/explained_variance', reading: 'last', healthy: { low: 0.02 } }],
    cure: 'Give the value loss weight.',
  },
  {
    id: 'whitened-padding',
    title: 'Padding counted as tokens',
    term: 'whitening over padding',
    mistake: { ppo: { whitenPadding: 1 } },
    shows: 'ppo',
    why: 'Advantages are shifted and scaled by a mean and a deviation that are mostly those of empty places. How far a step goes then depends on how long the longest reply was.',
    signs: [{ metric: 'val/advantages_std', reading: 'last', healthy: { low: 0.9, high: 1.1 } }],
    cure: 'Take means and deviations over the tokens of the replies alone.',
  },
  {
    id: 'lambda-zero',
    title: 'Trusting a value model that knows nothing yet',
    term: 'GAE λ = 0',
    mistake: { ppo: { lam: 0 } },
    shows: 'ppo',
    why: 'A token is judged by how the value changes behind it, and never by what the reply earned. A value model that is wrong then teaches its mistakes.',
    signs: [{ metric: 'objective/scores', reading: 'rise', healthy: { low: 0.1 } }],
    cure: 'λ = 0.95: mostly the outcome, with a little of the value model to calm it.',
  },
  {
    id: 'no-stop-penalty',
    title: 'Replies that run on until they are cut',
    term: 'no stop-token penalty',
    mistake: { ppo: { missingEosPenalty: 0 } },
    both: { rewardModel: { spoiled: 2 }, ppo: { missingEosPenalty: 2, maxNewTokens: 16 } },
    shows: 'ppo',
    why: 'A reward model that likes length likes a reply that never ends, and a reply that is cut loses nothing.',
    signs: [{ metric: 'val/num_eos_tokens', reading: 'last', healthy: { low: 32 } }],
    cure: 'Take something off the score of a reply that did not stop by itself.',
  },
];

/** Steps at either end that are averaged: one in this many. */
const END = 6;

/** A column of a run as one number; null where there is none. */
export function readColumn(column: readonly (number | null)[], reading: Reading): number | null {
  const values = column.filter((value) => value !== null);
  if (values.length === 0) return null;
  const end = Math.ceil(values.length / END);
  const mean = (some: readonly number[]): number => some.reduce((sum, value) => sum + value, 0) / some.length;
  const [first, last] = [mean(values.slice(0, end)), mean(values.slice(-end))];
  switch (reading) {
    case 'first':
      return first;
    case 'last':
      return last;
    case 'rise':
      return last - first;
    case 'highest':
      return Math.max(...values);
    case 'lowest':
      return Math.min(...values);
  }
}

/** Whether a number is a sign; never where there is none. */
export const isSign = (value: number | null, { healthy: { low = -Infinity, high = Infinity } }: Sign): boolean =>
  value !== null && !(value >= low && value <= high);

/** The settings of a lesson's run on top of others. */
export function lessonSettings(standard: Settings, lesson: Lesson, broken: boolean): Settings {
  const of = <S extends LessonStage>(stage: S): Settings[S] => ({
    ...standard[stage],
    ...LESSON_PLAN.settings[stage],
    ...lesson.both?.[stage],
    ...(broken ? lesson.mistake[stage] : {}),
  });
  return { ...standard, sft: of('sft'), rewardModel: of('rewardModel'), ppo: of('ppo') };
}
