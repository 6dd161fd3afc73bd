/**
 * The reward model: learn from rankings which of two replies a person prefers.
 * InstructGPT (Ouyang et al. 2022), equation 1; Stiennon et al. 2020, section 3.4.
 *
 *   L = -1/C(K,2) sum over pairs (i better than j) of log sigmoid(r_i - r_j)
 *
 * or the likelihood of the whole order, or of its best (rankingLoss.ts). With a margin r_i must be ahead of r_j by the
 * margin times the steps between them (`stepsBehindBest`), and a step that is much better counts twice: Llama 2 (Touvron
 * et al. 2023, arXiv:2307.09288), section 3.2.2, whose m(r) goes by the strength of a preference. Our deviation: steps
 * of a ranking add up, where Llama 2 compares two replies at a time.
 *
 * All replies of a prompt are one batch element. After training the head is rescaled so that
 * replies of the reference policy score mean 0, deviation 1 (lm-human-preferences), which gives klCoef a fixed meaning
 * and the value model its scale.
 *
 * Our deviation, what a score is made of, is in model/rewardHead.ts.
 */
import * as tf from '@tensorflow/tfjs-core';
import { RANKING_LOSSES, type RewardModelSettings, TIE_RULES } from '../config';
import { NonFiniteError } from '../errors';
import { type HostTensor, lengthMultiple, Step } from '../gpu/step';
import { batchInputs, batchTensors, padBatch, type Batch, type BatchInput } from '../model/batch';
import { lossGradients } from '../model/lossGradients';
import { replyScores, rewardParameters, type RewardModel } from '../model/rewardHead';
import type { ReplyThumb } from '../session/protocol';
import { AdamW } from '../ops/adamw';
import { permutation } from '../ops/counterRandom';
import { calibration, type Calibration } from './calibration';
import { batchPairWeights, pairAccuracy, pairWeights, type TieRule } from './pairWeights';
import { allPairsLoss, bestOfKLoss, pairCentre, plackettLuceLoss } from './rankingLoss';
import { rewardNormalisation } from './rewards';
import { stepsBehindBest } from '../text/rankSteps';
import { linearToZero } from './schedule';
import { kendallTau } from './statistics';
import type { TrainingStep } from './trainingStep';

/** A ranking in tokens. */
export interface TokenisedRanking {
  prompt: number[];
  /** K replies, each with its stop token where it had one. */
  replies: number[][];
  /** K ranks; 1 is best, equal is a tie. */
  ranks: number[];
  /** [K] whether a reply breaks the rule, where somebody looked for that. */
  violations?: readonly boolean[];
  /** [K] what was said of each reply by itself, where anything was. */
  thumbs?: readonly ReplyThumb[];
  /** What each step between neighbouring distinct ranks counts, best to worst; 1 each where there are none. */
  gaps?: readonly number[];
}

export const rewardModelOptimiser = (model: RewardModel): AdamW =>
  new AdamW(rewardParameters(model), { form: 'torch', epsilon: 1e-8 });

/** What a tie counts: by the settings where every pair does, and nothing in the losses of a whole order. */
export const tieRule = ({ loss, ties }: Pick<RewardModelSettings, 'loss' | 'ties'>): TieRule =>
  RANKING_LOSSES[loss] === 'all pairs' ? (TIE_RULES[ties] ?? 'drop') : 'drop';

/** Rankings with at least one pair that counts: one that is not a tie, unless ties count as well. */
export const withPairs = <R extends Pick<TokenisedRanking, 'ranks'>>(
  rankings: readonly R[],
  ties: TieRule = 'drop',
): R[] => rankings.filter(({ ranks }) => pairWeights(ranks, ties).some((weight) => weight > 0));

export function rewardModelSteps(
  rankings: number,
  { epochs, rankingsPerStep }: Pick<RewardModelSettings, 'epochs' | 'rankingsPerStep'>,
): number {
  return epochs * Math.ceil(rankings / rankingsPerStep);
}

/**
 * Trains `model` in place and yields after every step.
 * @param rankings each with a pair that counts, see `withPairs` and `tieRule`
 * @throws NonFiniteError; the weights are then for the caller to restore
 */
export async function* trainRewardModel(
  model: RewardModel,
  optimiser: AdamW,
  rankings: readonly TokenisedRanking[],
  settings: RewardModelSettings,
  pad: number,
  seed: number,
): AsyncGenerator<TrainingStep> {
  const { rankingsPerStep, learningRate } = settings;
  const ties = tieRule(settings);
  const steps = rewardModelSteps(rankings.length, settings);
  const stepsPerEpoch = Math.ceil(rankings.length / rankingsPerStep);
  const learn = rewardModelStep(model, optimiser, settings);
  try {
    while (optimiser.step < steps) yield await stepAt(optimiser.step);
  } finally {
    learn.dispose();
  }

  async function stepAt(step: number): Promise<TrainingStep> {
    const epoch = Math.floor(step / stepsPerEpoch);
    const first = (step % stepsPerEpoch) * rankingsPerStep;
    const chosen = permutation(rankings.length, seed, epoch)
      .slice(first, first + rankingsPerStep)
      .map((i) => rankings[i] as TokenisedRanking);
    const repliesEach = Math.max(...chosen.map(({ replies }) => replies.length)); // K
    const batch = rankingBatch(chosen, repliesEach, pad, model.trunk.shape.context);
    const ranks = chosen.map((ranking) => ranking.ranks);
    const rate = linearToZero(learningRate, step, steps);
    const [values, losses, norms] = (await learn.read({
      ...batchInputs(batch),
      pooling: poolingWeights(batch),
      ...rankingInputs(chosen, repliesEach, ties),
      numbers: { values: optimiser.advance(rate), shape: [3] },
    })) as [Float32Array, Float32Array, Float32Array];
    const [loss, gradNorm] = [losses[0] as number, norms[0] as number];
    if (!Number.isFinite(loss + gradNorm)) throw new NonFiniteError('The ranking loss', optimiser.step);
    const perRanking = chosen.map(({ replies }, g) =>
      values.subarray(g * repliesEach, g * repliesEach + replies.length),
    );
    const { accuracy, margin } = pairAccuracy(perRanking, ranks);
    const all = perRanking.flatMap((row) => [...row]);
    return {
      step: optimiser.step,
      steps,
      phase: 'learning from rankings',
      metrics: {
        loss,
        accuracy: accuracy ?? 0,
        margin: margin ?? 0,
        min_reward: Math.min(...all),
        mean_reward: all.reduce((sum, reward) => sum + reward, 0) / all.length,
        max_reward: Math.max(...all),
        grad_norm: gradNorm,
        learning_rate: rate,
      },
    };
  }
}

type RankingInput =
  | 'pairWeights' // [G, K, K], from `batchPairWeights`
  | 'steps' // [G, K], behind the best; 0 for a reply that is not there
  | 'order' // [G, K, K], row k of a ranking is 1 at the reply of place k
  | 'present' // [G, K] by place, 1 for a reply that is there
  | 'best'; // [G, K] by place, 1 for the best reply and for those that tie with it

/**
 * What G rankings say, as the losses take it.
 * @param K replies a row of the batch holds
 */
export function rankingInputs(
  rankings: readonly Pick<TokenisedRanking, 'ranks' | 'gaps'>[],
  K: number,
  ties: TieRule = 'drop',
): Record<RankingInput, HostTensor> {
  const G = rankings.length;
  const steps = new Float32Array(G * K);
  const order = new Float32Array(G * K * K);
  const present = new Float32Array(G * K);
  const best = new Float32Array(G * K);
  rankings.forEach(({ ranks, gaps }, g) => {
    steps.set(stepsBehindBest(ranks, gaps), g * K);
    present.fill(1, g * K, g * K + ranks.length);
    best.fill(1, g * K, g * K + ranks.filter((rank) => rank === Math.min(...ranks)).length);
    const places = [...ranks.keys()].sort((one, other) => (ranks[one] as number) - (ranks[other] as number));
    for (let k = 0; k < K; k++) order[(g * K + k) * K + (places[k] ?? k)] = 1;
  });
  return {
    pairWeights: {
      values: batchPairWeights(
        rankings.map(({ ranks }) => ranks),
        K,
        ties,
      ),
      shape: [G, K, K],
    },
    steps: { values: steps, shape: [G, K] },
    order: { values: order, shape: [G, K, K] },
    present: { values: present, shape: [G, K] },
    best: { values: best, shape: [G, K] },
  };
}

/** One optimiser step; gives the rewards [G K], the loss, and the norm of its gradient. */
export function rewardModelStep(
  model: RewardModel,
  optimiser: AdamW,
  { centreCoef, margin, loss }: Pick<RewardModelSettings, 'centreCoef' | 'margin' | 'loss'>,
): Step<BatchInput | RankingInput | 'pooling' | 'numbers'> {
  const kind = RANKING_LOSSES[loss] ?? 'all pairs';
  return new Step(
    'learning from rankings',
    (inputs) => {
      const { ids, start, responseMask, pooling, numbers } = inputs;
      const pairWeights = inputs.pairWeights as tf.Tensor3D;
      const { loss, statistics, gradients } = optimiser.differentiate(() =>
        lossGradients(rewardParameters(model), () => {
          const rewards = replyScores(
            model,
            ids as tf.Tensor2D,
            start as tf.Tensor1D,
            pooling as tf.Tensor2D,
            responseMask as tf.Tensor2D,
          ); // [G K]
          const [G, K] = pairWeights.shape;
          const grouped = tf.reshape<tf.Rank.R2>(rewards, [G, K]);
          if (kind === 'all pairs') {
            if (margin === 0) return { loss: allPairsLoss(grouped, pairWeights, { centreCoef }), statistics: rewards };
            // r_i - r_j - margin (steps_j - steps_i) is the difference of r + margin · steps.
            const asked = tf.add<tf.Tensor2D>(grouped, tf.mul(margin, inputs.steps));
            const won = allPairsLoss(asked, pairWeights);
            if (centreCoef === 0) return { loss: won, statistics: rewards };
            // Centred are the rewards as they are, not what the margin asks of them.
            return { loss: tf.add(won, tf.mul(centreCoef, pairCentre(grouped, pairWeights))), statistics: rewards };
          }
          const byPlace = tf.reshape<tf.Rank.R2>(tf.matMul(inputs.order, tf.reshape(grouped, [G, K, 1])), [G, K]);
          const present = inputs.present as tf.Tensor2D;
          const own =
            kind === 'whole ranking'
              ? plackettLuceLoss(byPlace, present)
              : bestOfKLoss(byPlace, inputs.best as tf.Tensor2D, present);
          if (centreCoef === 0) return { loss: own, statistics: rewards };
          const centre = tf.div(tf.sum(tf.square(tf.mul(byPlace, present))), tf.sum(present));
          return { loss: tf.add(own, tf.mul(centreCoef, centre)), statistics: rewards };
        }),
      );
      return [statistics, loss, optimiser.update(gradients, numbers as tf.Tensor1D)];
    },
    () => rewardParameters(model).values(),
  );
}

/** G rankings of K replies as G K rows; missing replies are filled with the first, which no pair counts. */
export function rankingBatch(
  rankings: readonly TokenisedRanking[],
  repliesEach: number,
  pad: number,
  context: number,
): Batch {
  const prompts: number[][] = [];
  const responses: number[][] = [];
  for (const { prompt, replies } of rankings) {
    for (let k = 0; k < repliesEach; k++) {
      prompts.push(prompt);
      responses.push(replies[k] ?? (replies[0] as number[]));
    }
  }
  return padBatch(prompts, responses, pad, context, { multiple: lengthMultiple() });
}

/** Where in the response the head is read: everywhere, or at its last token, as in the papers. */
export type Pooling = 'mean' | 'last';

/** [B, P + R]: what each position's scalar counts in the score; sums to 1 over the response. */
export function poolingWeights(
  { rows, promptLength, responseLength, responseMask }: Batch,
  pooling: Pooling = 'mean',
): HostTensor {
  const length = promptLength + responseLength;
  const weights = new Float32Array(rows * length);
  for (let row = 0; row < rows; row++) {
    let count = 0;
    for (let t = 0; t < responseLength; t++) count += responseMask[row * responseLength + t] as number;
    const end = row * length + promptLength + count;
    if (pooling === 'mean') weights.fill(1 / count, end - count, end);
    else weights[end - 1] = 1;
  }
  return { values: weights, shape: [rows, length] };
}

/** Score of every row of a batch, [B]. */
export async function scoreBatch(model: RewardModel, batch: Batch): Promise<Float32Array> {
  const scores = tf.tidy(() => {
    const { ids, start, responseMask } = batchTensors(batch);
    const { values, shape } = poolingWeights(batch);
    const pooling = tf.tensor2d(values, shape as [number, number]);
    return replyScores(model, ids, start, pooling, responseMask);
  });
  const values = Float32Array.from(await scores.data<'float32'>());
  scores.dispose();
  return values;
}

/** Rows scored at once: enough to fill a device, few enough to stay responsive. */
const SCORE_ROWS = 64;

/** Scores of many replies, one prompt each. */
export async function scoreReplies(
  model: RewardModel,
  prompts: readonly number[][],
  replies: readonly number[][],
  pad: number,
): Promise<Float32Array> {
  const scores = new Float32Array(prompts.length);
  for (let row = 0; row < prompts.length; row += SCORE_ROWS) {
    const batch = padBatch(
      prompts.slice(row, row + SCORE_ROWS),
      replies.slice(row, row + SCORE_ROWS),
      pad,
      model.trunk.shape.context,
    );
    scores.set(await scoreBatch(model, batch), row);
  }
  return scores;
}

/**
 * Rescales the head and the weight of the likelihood in place, so that these replies score mean 0 and deviation 1.
 * @param scores raw scores of replies of the reference policy; 256 in lm-human-preferences
 */
export function normaliseHead(model: RewardModel, scores: ArrayLike<number>): void {
  const { gain, bias } = rewardNormalisation(scores);
  tf.tidy(() => {
    model.weight.assign(tf.mul(model.weight, gain));
    model.likelihood.assign(tf.mul(model.likelihood, gain));
    model.bias.assign(tf.add(tf.mul(model.bias, gain), bias));
  });
}

export interface RewardModelAccuracy {
  pairs: number;
  /** Null without a pair. */
  accuracy: number | null;
  /** Mean over rankings; null without one. */
  kendallTau: number | null;
  /** Means something on the scale that the loss was taken on: before normalising. */
  calibration: Calibration | null;
}

/** How well the scores order rankings that were not trained on. */
export const rankingAccuracy = (
  model: RewardModel,
  rankings: readonly TokenisedRanking[],
  pad: number,
): Promise<RewardModelAccuracy> =>
  accuracyOf(rankings, (prompts, replies) => scoreReplies(model, prompts, replies, pad));

/** The same for scores by whatever gives them. */
export async function accuracyOf(
  rankings: readonly TokenisedRanking[],
  score: (prompts: number[][], replies: number[][]) => Promise<Float32Array>,
): Promise<RewardModelAccuracy> {
  const prompts = rankings.flatMap(({ prompt, replies }) => replies.map(() => prompt));
  const scores = await score(
    prompts,
    rankings.flatMap(({ replies }) => replies),
  );
  let at = 0;
  const rewards = rankings.map(({ replies }) => scores.subarray(at, (at += replies.length)));
  const ranksOfAll = rankings.map(({ ranks }) => ranks);
  const { pairs, accuracy } = pairAccuracy(rewards, ranksOfAll);
  const taus = rankings
    .map(({ ranks }, g) =>
      kendallTau(
        ranks,
        Array.from(rewards[g] as Float32Array, (reward) => -reward),
      ),
    )
    .filter((tau) => tau !== null);
  const tau = taus.length > 0 ? taus.reduce((sum, value) => sum + value, 0) / taus.length : null;
  return { pairs, accuracy, kendallTau: tau, calibration: calibration(rewards, ranksOfAll) };
}
