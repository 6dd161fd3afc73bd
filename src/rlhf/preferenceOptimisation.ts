/**
 * Learning from rankings with no reward model in between: the loop that DPO, cDPO, robust DPO, IPO, SimPO and ORPO share.
 * Each is a `PreferenceMethod`, in dpo.ts, ipo.ts, simpo.ts and orpo.ts; KTO, which needs no pairs, is kto.ts.
 *
 *   L = 1/G Σ_g Σ_ij w[g][i][j] · loss(i, j)  +  guardCoef · mean over g of -log pi(best | x) / |best|
 *
 * With K = 2 replies a ranking, w = 1 and the first term is the papers'. Our deviations: all pairs of a ranking are one
 * batch element, weighted as for the reward model; and the guard (Pang et al. 2024, arXiv:2404.19733, equation 2): only
 * differences count in the first term, so a small model loses the chosen replies together with the rejected ones unless
 * it is held to them.
 *
 * Letters: G rankings of a step, K replies each, B = G K rows, N = G K (K - 1) / 2 pairs.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { PreferenceSettings } from '../config';
import { NonFiniteError } from '../errors';
import { type HostTensor, Step } from '../gpu/step';
import { type Batch, batchInputs, type BatchInput, type BatchTensors } from '../model/batch';
import { cloneGpt, type Gpt } from '../model/gpt';
import { lossGradients } from '../model/lossGradients';
import { responseLogProbs } from '../model/responseLogProbs';
import { AdamW } from '../ops/adamw';
import { permutation } from '../ops/counterRandom';
import { pairAccuracy, pairWeights } from './pairWeights';
import type { ComparisonLengths, ComparisonLogProbs } from './preferenceLosses';
import { rankingBatch, type TokenisedRanking } from './rewardModel';
import { linearToZero } from './schedule';
import type { TrainingStep } from './trainingStep';

/** What tells one method from another. */
export interface PreferenceMethod {
  name: string;
  /** Whether the reference policy takes part. Where it does not, its log-probs are given as 0. */
  needsReference: boolean;
  /** One number a pair, [N], differentiable. */
  loss(logProbs: ComparisonLogProbs, lengths: ComparisonLengths, settings: PreferenceSettings): tf.Tensor1D;
  /**
   * The reward of each reply that the policy itself stands for, up to what depends on the prompt alone: what the loss
   * compares. [B] of sums of log-probs and of lengths in tokens.
   */
  reward(
    logProbs: tf.Tensor1D,
    refLogProbs: tf.Tensor1D,
    lengths: tf.Tensor1D,
    settings: PreferenceSettings,
  ): tf.Tensor1D;
  /** What it is run with unless told otherwise. */
  defaults: PreferenceSettings;
}

export const preferenceOptimiser = (policy: Gpt): AdamW =>
  new AdamW(policy.parameters, { form: 'torch', epsilon: 1e-8 });

export function preferenceSteps(rankings: number, { epochs, rankingsPerStep }: PreferenceSettings): number {
  return epochs * Math.ceil(rankings / rankingsPerStep);
}

/** What changes in a run; its tensors are the caller's. */
export interface PreferenceState {
  policy: Gpt;
  /** Frozen. */
  refPolicy: Gpt;
  optimiser: AdamW;
}

/** A policy that starts as a copy of `refPolicy`. */
export function preferenceState(refPolicy: Gpt): PreferenceState {
  const policy = cloneGpt(refPolicy);
  return { policy, refPolicy, optimiser: preferenceOptimiser(policy) };
}

/**
 * Trains the policy in place and yields after every step.
 * @param rankings each with a pair that is not a tie, see `withPairs`
 * @param pad fills rows; never the stop token
 * @throws NonFiniteError; the weights are then for the caller to restore
 */
export async function* optimisePreferences(
  state: PreferenceState,
  method: PreferenceMethod,
  rankings: readonly TokenisedRanking[],
  settings: PreferenceSettings,
  pad: number,
  seed: number,
): AsyncGenerator<TrainingStep> {
  const { optimiser } = state;
  const steps = preferenceSteps(rankings.length, settings);
  const stepsPerEpoch = Math.ceil(rankings.length / settings.rankingsPerStep);
  const learner = new PreferenceLearner(state, method, settings, pad);
  try {
    while (optimiser.step < steps) {
      const { step } = optimiser;
      const first = (step % stepsPerEpoch) * settings.rankingsPerStep;
      const chosen = permutation(rankings.length, seed, Math.floor(step / stepsPerEpoch))
        .slice(first, first + settings.rankingsPerStep)
        .map((i) => rankings[i] as TokenisedRanking);
      const metrics = await learner.learn(chosen, linearToZero(settings.learningRate, step, steps));
      yield { step: optimiser.step, steps, phase: 'learning from rankings', metrics };
    }
  } finally {
    learner.dispose();
  }
}

/** One optimiser step at a time, from rankings that may have been made a moment ago (online DPO). */
export class PreferenceLearner {
  readonly #state: PreferenceState;
  readonly #method: PreferenceMethod;
  readonly #pad: number;
  readonly #reference: Step<BatchInput>;
  readonly #learn: Step<PreferenceInput>;

  constructor(state: PreferenceState, method: PreferenceMethod, settings: PreferenceSettings, pad: number) {
    this.#state = state;
    this.#method = method;
    this.#pad = pad;
    this.#reference = logLikelihoodStep(state.refPolicy);
    this.#learn = preferenceStep(state, method, settings);
  }

  /** @throws NonFiniteError */
  async learn(rankings: readonly TokenisedRanking[], learningRate: number): Promise<Record<string, number>> {
    const { policy, optimiser } = this.#state;
    const repliesEach = Math.max(...rankings.map(({ replies }) => replies.length)); // K
    const batch = rankingBatch(rankings, repliesEach, this.#pad, policy.shape.context);
    const ranks = rankings.map((ranking) => ranking.ranks);
    const refLogProbs = this.#method.needsReference
      ? ((await this.#reference.read(batchInputs(batch)))[0] as Float32Array)
      : new Float32Array(batch.rows);
    const [rewards, losses, norms] = (await this.#learn.read({
      ...preferenceInputs(batch, ranks, repliesEach, refLogProbs),
      numbers: { values: optimiser.advance(learningRate), shape: [3] },
    })) as [Float32Array, Float32Array, Float32Array];
    const [loss, gradNorm] = [losses[0] as number, norms[0] as number];
    if (!Number.isFinite(loss + gradNorm)) throw new NonFiniteError(`The ${this.#method.name} loss`, optimiser.step);
    const own = ranks.map((list, g) => rewards.subarray(g * repliesEach, g * repliesEach + list.length));
    const { accuracy, margin } = pairAccuracy(own, ranks);
    return {
      loss,
      'rewards/accuracies': accuracy ?? 0,
      'rewards/margins': margin ?? 0,
      'rewards/chosen': mean(own.map((values, g) => mean(at(values, bestOf(ranks[g]!))))),
      'rewards/rejected': mean(own.map((values, g) => mean(at(values, worstOf(ranks[g]!))))),
      grad_norm: gradNorm,
      learning_rate: learningRate,
    };
  }

  dispose(): void {
    this.#reference.dispose();
    this.#learn.dispose();
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

/** log pi of every reply of a batch on the device, [B], nats; differentiable. */
export function logLikelihoods(gpt: Gpt, inputs: Record<BatchInput, tf.Tensor>): tf.Tensor1D {
  const { ids, start, responseMask: mask } = inputs as Record<BatchInput, tf.Tensor> as BatchTensors;
  const { logProbs } = responseLogProbs(gpt, ids, start, ids.shape[1] - mask.shape[1], 1, { mask });
  return tf.sum(tf.mul(logProbs, mask), 1);
}

export type PreferenceInput =
  | BatchInput
  | 'refLogProbs' // [B], of whole replies
  | 'lengths' // [B], in tokens
  | 'chosen' // [N, B]: 1 at the better reply of each pair
  | 'rejected' // [N, B]: 1 at the worse
  | 'refChosen' // [N], what refLogProbs has there
  | 'refRejected' // [N]
  | 'chosenLengths' // [N]
  | 'rejectedLengths' // [N]
  | 'pairWeights' // [N], summing to 1
  | 'guard' // [B]: 1 / (G · best replies · tokens) for the best of each ranking, else 0
  | 'numbers';

/** One optimiser step; gives the implicit rewards [B], the loss, and the norm of its gradient. */
export function preferenceStep(
  { policy, optimiser }: Pick<PreferenceState, 'policy' | 'optimiser'>,
  method: PreferenceMethod,
  settings: PreferenceSettings,
): Step<PreferenceInput> {
  return new Step(
    method.name,
    ({ chosen, rejected, pairWeights, guard, numbers, ...inputs }) => {
      const { refLogProbs, lengths, refChosen, refRejected, chosenLengths, rejectedLengths } = inputs as Record<
        keyof typeof inputs,
        tf.Tensor
      > as Record<keyof typeof inputs, tf.Tensor1D>;
      const { loss, statistics, gradients } = optimiser.differentiate(() =>
        lossGradients(policy.parameters, () => {
          const logProbs = logLikelihoods(policy, inputs); // [B]
          // A product, since a gather's gradient is a sum by segments, which tfjs-wasm does not have.
          const column = tf.reshape<tf.Rank.R2>(logProbs, [-1, 1]);
          const of = (which: tf.Tensor): tf.Tensor1D => tf.reshape(tf.matMul(which as tf.Tensor2D, column), [-1]); // [N]
          const pairs = { chosen: of(chosen), rejected: of(rejected), refChosen, refRejected };
          const own = method.loss(pairs, { chosen: chosenLengths, rejected: rejectedLengths }, settings);
          const preference: tf.Scalar = tf.sum(tf.mul(pairWeights, own));
          const held: tf.Scalar = tf.neg(tf.sum(tf.mul(logProbs, guard)));
          return {
            loss: tf.add(preference, tf.mul(settings.guardCoef, held)),
            statistics: method.reward(logProbs, refLogProbs, lengths, settings),
          };
        }),
      );
      return [statistics, loss, optimiser.update(gradients, numbers as tf.Tensor1D)];
    },
    () => policy.parameters.values(),
  );
}

/**
 * All inputs but the optimiser's, from a batch of G rankings of K replies.
 * @param refLogProbs [B] of whole replies
 */
export function preferenceInputs(
  batch: Batch,
  ranks: readonly (readonly number[])[],
  repliesEach: number,
  refLogProbs: Float32Array,
): Record<Exclude<PreferenceInput, 'numbers'>, HostTensor> {
  const K = repliesEach;
  const pairs = (ranks.length * K * (K - 1)) / 2; // N, whatever ties there are: the rest counts nothing
  // A pair of the first reply with itself, of weight 0, keeps every loss finite.
  const [better, worse] = [new Array<number>(pairs).fill(0), new Array<number>(pairs).fill(0)];
  const weights = new Float32Array(pairs);
  let n = 0;
  ranks.forEach((own, g) => {
    const each = pairWeights(own);
    own.forEach((_, i) =>
      own.forEach((_unused, j) => {
        const weight = each[i * own.length + j] as number;
        if (weight === 0) return;
        better[n] = g * K + i;
        worse[n] = g * K + j;
        weights[n++] = weight / ranks.length;
      }),
    );
  });
  const lengths = Float32Array.from({ length: batch.rows }, (_, row) =>
    batch.responseMask
      .subarray(row * batch.responseLength, (row + 1) * batch.responseLength)
      .reduce((sum, counts) => sum + counts, 0),
  );
  const selection = (rows: readonly number[]): HostTensor => {
    const values = new Float32Array(pairs * batch.rows);
    rows.forEach((row, pair) => (values[pair * batch.rows + row] = 1));
    return { values, shape: [pairs, batch.rows] };
  };
  const at = (values: Float32Array, rows: readonly number[]): HostTensor => ({
    values: Float32Array.from(rows, (row) => values[row] as number),
    shape: [pairs],
  });
  return {
    ...batchInputs(batch),
    refLogProbs: { values: refLogProbs, shape: [batch.rows] },
    lengths: { values: lengths, shape: [batch.rows] },
    chosen: selection(better),
    rejected: selection(worse),
    refChosen: at(refLogProbs, better),
    refRejected: at(refLogProbs, worse),
    chosenLengths: at(lengths, better),
    rejectedLengths: at(lengths, worse),
    pairWeights: { values: weights, shape: [pairs] },
    guard: { values: guardWeights(batch, ranks, repliesEach), shape: [batch.rows] },
  };
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
