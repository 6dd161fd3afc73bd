/**
 * DPO: the policy learns from rankings with no reward model in between, since it is one itself.
 * Rafailov et al. 2023 (arXiv:2305.18290), equations 5 and 7.
 *
 *   r(x, y) = beta (log pi(y | x) - log piRef(y | x))
 *   L = 1/G sum_g sum_ij w[g][i][j] -log sigmoid(r_i - r_j) + guardCoef · mean over g of -log pi(best | x) / |best|
 *
 * With K = 2 replies a ranking and w = 1 the first term is the paper's. Our deviations: all pairs of a ranking are one
 * batch element, weighted as for the reward model; labels may be wrong with a probability (conservative DPO, Mitchell
 * 2023: w then has that share the other way round); and the guard (Pang et al. 2024, arXiv:2404.19733, equation 2):
 * only differences count in L, so a small model loses the chosen replies together with the rejected ones unless it is
 * held to them.
 */
import * as tf from '@tensorflow/tfjs-core';
import { NonFiniteError } from '../errors';
import { type HostTensor, Step } from '../gpu/step';
import { type Batch, batchInputs, type BatchInput } from '../model/batch';
import { cloneGpt, type Gpt } from '../model/gpt';
import { lossGradients } from '../model/lossGradients';
import { responseLogProbs } from '../model/responseLogProbs';
import { AdamW } from '../ops/adamw';
import { permutation } from '../ops/counterRandom';
import { batchPairWeights, pairAccuracy } from './pairWeights';
import { allPairsLoss } from './rankingLoss';
import { rankingBatch, type TokenisedRanking } from './rewardModel';
import { linearToZero } from './schedule';
import type { TrainingStep } from './trainingStep';

export interface DpoSettings {
  epochs: number;
  rankingsPerStep: number;
  learningRate: number;
  /** beta: how strongly the policy is tied to the reference, > 0. */
  beta: number;
  /** Probability that a label is wrong, 0 to 0.5. */
  labelSmoothing: number;
  /** Weight of the guard; 0 is off. */
  guardCoef: number;
}

export const dpoOptimiser = (policy: Gpt): AdamW => new AdamW(policy.parameters, { form: 'torch', epsilon: 1e-8 });

export function dpoSteps(rankings: number, { epochs, rankingsPerStep }: DpoSettings): number {
  return epochs * Math.ceil(rankings / rankingsPerStep);
}

/** What changes in a run; its tensors are the caller's. */
export interface DpoState {
  policy: Gpt;
  /** Frozen. */
  refPolicy: Gpt;
  optimiser: AdamW;
}

/** A policy that starts as a copy of `refPolicy`. */
export function dpoState(refPolicy: Gpt): DpoState {
  const policy = cloneGpt(refPolicy);
  return { policy, refPolicy, optimiser: dpoOptimiser(policy) };
}

/**
 * Trains the policy in place and yields after every step.
 * @param rankings each with a pair that is not a tie, see `withPairs`
 * @param pad fills rows; never the stop token
 * @throws NonFiniteError; the weights are then for the caller to restore
 */
export async function* dpo(
  { policy, refPolicy, optimiser }: DpoState,
  rankings: readonly TokenisedRanking[],
  settings: DpoSettings,
  pad: number,
  seed: number,
): AsyncGenerator<TrainingStep> {
  const steps = dpoSteps(rankings.length, settings);
  const stepsPerEpoch = Math.ceil(rankings.length / settings.rankingsPerStep);
  const reference = logLikelihoodStep(refPolicy);
  const learn = dpoStep(policy, optimiser, settings);
  try {
    while (optimiser.step < steps) {
      const first = (optimiser.step % stepsPerEpoch) * settings.rankingsPerStep;
      const chosen = permutation(rankings.length, seed, Math.floor(optimiser.step / stepsPerEpoch))
        .slice(first, first + settings.rankingsPerStep)
        .map((i) => rankings[i] as TokenisedRanking);
      yield await learnFrom(chosen);
    }
  } finally {
    reference.dispose();
    learn.dispose();
  }

  async function learnFrom(chosen: readonly TokenisedRanking[]): Promise<TrainingStep> {
    const repliesEach = Math.max(...chosen.map(({ replies }) => replies.length)); // K
    const batch = rankingBatch(chosen, repliesEach, pad, policy.shape.context);
    const ranks = chosen.map((ranking) => ranking.ranks);
    const rate = linearToZero(settings.learningRate, optimiser.step, steps);
    const [refLogProbs] = await reference.read(batchInputs(batch));
    const [statistics, losses, norms] = (await learn.read({
      ...dpoInputs(batch, ranks, repliesEach, settings.labelSmoothing),
      refLogProbs: { values: refLogProbs as Float32Array, shape: [batch.rows] },
      numbers: { values: optimiser.advance(rate), shape: [3] },
    })) as [Float32Array, Float32Array, Float32Array];
    const [loss, gradNorm] = [losses[0] as number, norms[0] as number];
    if (!Number.isFinite(loss + gradNorm)) throw new NonFiniteError('The DPO loss', optimiser.step);
    const rows = (g: number): Float32Array => statistics.subarray(g * repliesEach, g * repliesEach + ranks[g]!.length);
    const rewards = ranks.map((_, g) => rows(g));
    const { accuracy, margin } = pairAccuracy(rewards, ranks);
    return {
      step: optimiser.step,
      steps,
      phase: 'learning from rankings',
      metrics: {
        loss,
        'rewards/accuracies': accuracy ?? 0,
        'rewards/margins': margin ?? 0,
        'rewards/chosen': mean(rewards.map((own, g) => mean(at(own, bestOf(ranks[g]!))))),
        'rewards/rejected': mean(rewards.map((own, g) => mean(at(own, worstOf(ranks[g]!))))),
        grad_norm: gradNorm,
        learning_rate: rate,
      },
    };
  }
}

/** log pi of every reply: the sum over its tokens, [B], nats. */
export function logLikelihoodStep(gpt: Gpt): Step<BatchInput> {
  return new Step(
    'log-likelihoods',
    (inputs) => [logLikelihoods(gpt, inputs)],
    () => gpt.parameters.values(),
  );
}

function logLikelihoods(gpt: Gpt, { ids, start, responseMask }: Record<BatchInput, tf.Tensor>): tf.Tensor1D {
  const promptLength = (ids.shape[1] as number) - (responseMask.shape[1] as number);
  const { logProbs } = responseLogProbs(gpt, ids as tf.Tensor2D, start as tf.Tensor1D, promptLength, 1);
  return tf.sum(tf.mul(logProbs, responseMask), 1);
}

export type DpoInput =
  | BatchInput
  | 'refLogProbs' // [G K], of whole replies
  | 'pairWeights' // [G, K, K]
  | 'guard' // [G K]: 1 / (G · best replies · tokens) for the best of each ranking, else 0
  | 'numbers';

/** One optimiser step; gives the implicit rewards [G K], the loss, and the norm of its gradient. */
export function dpoStep(
  policy: Gpt,
  optimiser: AdamW,
  { beta, guardCoef }: Pick<DpoSettings, 'beta' | 'guardCoef'>,
): Step<DpoInput> {
  return new Step(
    'DPO',
    ({ refLogProbs, pairWeights, guard, numbers, ...batch }) => {
      const { loss, statistics, gradients } = optimiser.differentiate(() =>
        lossGradients(policy.parameters, () => {
          const logProbs = logLikelihoods(policy, batch); // [G K]
          const rewards = tf.mul(beta, tf.sub(logProbs, refLogProbs)) as tf.Tensor1D;
          const grouped = tf.reshape<tf.Rank.R2>(rewards, pairWeights.shape.slice(0, 2) as [number, number]);
          const preference = allPairsLoss(grouped, pairWeights as tf.Tensor3D);
          const held: tf.Scalar = tf.neg(tf.sum(tf.mul(logProbs, guard)));
          return { loss: tf.add(preference, tf.mul(guardCoef, held)), statistics: rewards };
        }),
      );
      return [statistics, loss, optimiser.update(gradients, numbers as tf.Tensor1D)];
    },
    () => policy.parameters.values(),
  );
}

/** All inputs but those of the reference and of the optimiser, from a batch of G rankings of K replies. */
export function dpoInputs(
  batch: Batch,
  ranks: readonly (readonly number[])[],
  repliesEach: number,
  labelSmoothing: number,
): Record<Exclude<DpoInput, 'refLogProbs' | 'numbers'>, HostTensor> {
  const shape = [ranks.length, repliesEach, repliesEach];
  return {
    ...batchInputs(batch),
    pairWeights: { values: smoothed(batchPairWeights(ranks, repliesEach), repliesEach, labelSmoothing), shape },
    guard: { values: guardWeights(batch, ranks, repliesEach), shape: [batch.rows] },
  };
}

/** (1 - e) w_ij + e w_ji */
function smoothed(weights: Float32Array, K: number, e: number): Float32Array {
  return weights.map((weight, at) => {
    const [g, i, j] = [Math.floor(at / (K * K)), Math.floor(at / K) % K, at % K];
    return (1 - e) * weight + e * (weights[(g * K + j) * K + i] as number);
  });
}

function guardWeights(
  { responseMask, responseLength, rows }: Batch,
  ranks: readonly (readonly number[])[],
  repliesEach: number,
): Float32Array {
  const weights = new Float32Array(rows);
  ranks.forEach((own, g) => {
    const best = bestOf(own);
    for (const k of best) {
      const row = g * repliesEach + k;
      const mask = responseMask.subarray(row * responseLength, (row + 1) * responseLength);
      weights[row] = 1 / (ranks.length * best.length * mask.reduce((sum, counts) => sum + counts, 0));
    }
  });
  return weights;
}

const indicesOf = (ranks: readonly number[], rank: number): number[] =>
  ranks.flatMap((own, k) => (own === rank ? [k] : []));
const bestOf = (ranks: readonly number[]): number[] => indicesOf(ranks, Math.min(...ranks));
const worstOf = (ranks: readonly number[]): number[] => indicesOf(ranks, Math.max(...ranks));
const at = (values: Float32Array, indices: readonly number[]): number[] => indices.map((i) => values[i] as number);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
