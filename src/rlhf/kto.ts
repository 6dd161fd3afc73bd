/**
 * KTO: learning from single replies with a thumb up or down, as people lose and win by prospect theory.
 * Ethayarajh et al. 2024 (arXiv:2402.01306), equations 7 and 8; formulas in preferenceLosses.ts.
 *
 *   z = max(0, mean of log pi(y' | x) / piRef(y' | x) over mismatched pairs),   d = log pi(y | x) / piRef(y | x)
 *   L = mean of w_up (1 - sigmoid(beta (d - z))) over thumbs up, w_down (1 - sigmoid(beta (z - d))) over thumbs down
 *     + guardCoef · mean over thumbs up of -log pi(y | x) / |y|
 *
 * A mismatched pair is a prompt with the reply to the next prompt of the batch, as in TRL; no gradient flows through z.
 * The weights are those that make both sides count alike (the paper's equation 9, in the middle of its range).
 *
 * A reply counts by the thumb that it was given; what has none is left out. Our deviation: of a ranking without any thumb
 * the best replies count as up and the worst as down, which is a comparison and no thumb.
 *
 * Our other deviation: the guard (Pang et al. 2024, arXiv:2404.19733, equation 2), off by default: d counts only against z, so
 * a small model may lose what was liked together with what was not unless it is held to it.
 *
 * Letters: B thumbs of a step.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { PreferenceSettings } from '../config';
import { InputError, NonFiniteError } from '../errors';
import { lengthMultiple, Step } from '../gpu/step';
import { preferenceDefaults } from '../methods';
import { type Batch, batchInputs, type BatchInput, padBatch } from '../model/batch';
import { lossGradients } from '../model/lossGradients';
import { permutation } from '../ops/counterRandom';
import { ktoLoss } from './preferenceLosses';
import { logLikelihoods, logLikelihoodStep, type PreferenceState } from './preferenceOptimisation';
import type { ReplyThumb } from '../session/protocol';
import type { TokenisedRanking } from './rewardModel';
import { linearToZero } from './schedule';
import type { TrainingStep } from './trainingStep';

export interface KtoSettings {
  epochs: number;
  /** B; at least 2, since prompts are mismatched within it. */
  batchSize: number;
  learningRate: number;
  /** > 0 */
  beta: number;
  /** Weight of the guard, the likelihood of the replies that were liked; 0 is off. */
  guardCoef: number;
}

export const ktoSettings = ({ rankingsPerStep, ...own }: PreferenceSettings): KtoSettings => ({
  epochs: own.epochs,
  batchSize: rankingsPerStep,
  learningRate: own.learningRate,
  beta: own.beta,
  guardCoef: own.guardCoef,
});

export const KTO_DEFAULTS = ktoSettings(preferenceDefaults('KTO'));

/** A reply in tokens that somebody liked or did not. */
export interface Thumb {
  prompt: number[];
  reply: number[];
  up: boolean;
}

/** The thumbs of a ranking, [K]: those that were given, and where none was, the best replies up and the worst down. */
export function thumbsOfRanking({ ranks, thumbs }: Pick<TokenisedRanking, 'ranks' | 'thumbs'>): readonly ReplyThumb[] {
  if (thumbs?.some((thumb) => thumb !== null)) return thumbs;
  const [best, worst] = [Math.min(...ranks), Math.max(...ranks)];
  return ranks.map((rank) => (best === worst ? null : rank === best ? 'up' : rank === worst ? 'down' : null));
}

/** The replies of rankings that have a thumb. */
export const thumbsOf = (rankings: readonly TokenisedRanking[]): Thumb[] =>
  rankings.flatMap(({ prompt, replies, ...said }) => {
    const thumbs = thumbsOfRanking(said);
    return replies.flatMap((reply, k) => (thumbs[k] ? [{ prompt, reply, up: thumbs[k] === 'up' }] : []));
  });

/** Rankings that KTO learns anything from, be it one thumb of a single reply. */
export const withThumbs = <R extends Pick<TokenisedRanking, 'ranks' | 'thumbs'>>(rankings: readonly R[]): R[] =>
  rankings.filter((ranking) => thumbsOfRanking(ranking).some((thumb) => thumb !== null));

/** @throws InputError where there is but one kind */
export function expectBothKinds(thumbs: readonly Thumb[]): void {
  const ups = thumbs.filter(({ up }) => up).length;
  if (ups > 0 && ups < thumbs.length) return;
  throw new InputError(
    `KTO needs thumbs up and thumbs down, got ${ups} up and ${thumbs.length - ups} down.`,
    'Give some more replies a thumb, also of the other kind, or rank a few prompts.',
  );
}

export const ktoSteps = (thumbs: number, { epochs, batchSize }: KtoSettings): number =>
  epochs * Math.ceil(thumbs / batchSize);

type KtoInput =
  | BatchInput
  | 'refLogProbs' // [B], of whole replies
  | 'driftKl' // [1], z
  | 'upWeights' // [B], 0 for thumbs down
  | 'downWeights' // [B], 0 for thumbs up
  | 'guard' // [B]: 2 upWeights / tokens, so that over all steps of an epoch it is a mean over the thumbs up
  | 'numbers';

/**
 * Trains the policy in place and yields after every step.
 * @param thumbs of both kinds
 * @throws InputError where there is but one kind; NonFiniteError, the weights being then for the caller to restore
 */
export async function* kto(
  { policy, refPolicy, optimiser }: PreferenceState,
  thumbs: readonly Thumb[],
  settings: KtoSettings,
  pad: number,
  seed: number,
): AsyncGenerator<TrainingStep> {
  expectBothKinds(thumbs);
  const ups = thumbs.filter(({ up }) => up).length;
  const steps = ktoSteps(thumbs.length, settings);
  const stepsPerEpoch = Math.ceil(thumbs.length / settings.batchSize);
  const [own, ref] = [logLikelihoodStep(policy), logLikelihoodStep(refPolicy)];
  const learn = learningStep();
  try {
    while (optimiser.step < steps) {
      const first = (optimiser.step % stepsPerEpoch) * settings.batchSize;
      const order = permutation(thumbs.length, seed, Math.floor(optimiser.step / stepsPerEpoch));
      const chosen = Array.from(
        { length: Math.max(2, Math.min(settings.batchSize, thumbs.length - first)) },
        (_, i) => thumbs[order[(first + i) % thumbs.length] as number] as Thumb,
      );
      yield await learnFrom(chosen);
    }
  } finally {
    for (const step of [own, ref, learn]) step.dispose();
  }

  function batchOf(chosen: readonly Thumb[], shift: number): Batch {
    const prompts = chosen.map(({ prompt }) => prompt);
    const replies = chosen.map((_, i) => (chosen[(i + shift) % chosen.length] as Thumb).reply);
    return padBatch(prompts, replies, pad, policy.shape.context, { multiple: lengthMultiple() });
  }

  async function learnFrom(chosen: readonly Thumb[]): Promise<TrainingStep> {
    const batch = batchOf(chosen, 0);
    const mismatched = batchOf(chosen, 1);
    const read = async (step: Step<BatchInput>, rows: Batch): Promise<Float32Array> =>
      (await step.read(batchInputs(rows)))[0] as Float32Array;
    const refLogProbs = await read(ref, batch);
    const [drifted, refDrifted] = [await read(own, mismatched), await read(ref, mismatched)];
    const drift = mean(drifted.map((log, i) => log - (refDrifted[i] as number)));
    const driftKl = Math.max(0, drift);
    const rate = linearToZero(settings.learningRate, optimiser.step, steps);
    // Each side weighs half of the loss of the whole set, however many there are of it.
    const weightsOf = (up: boolean): Float32Array =>
      Float32Array.from(chosen, (thumb) =>
        thumb.up === up ? thumbs.length / (2 * (up ? ups : thumbs.length - ups) * chosen.length) : 0,
      );
    const [upWeights, downWeights] = [weightsOf(true), weightsOf(false)];
    const guard = upWeights.map((weight, i) => (2 * weight) / (chosen[i] as Thumb).reply.length);
    const [logRatios, losses, norms] = (await learn.read({
      ...batchInputs(batch),
      refLogProbs: { values: refLogProbs, shape: [batch.rows] },
      driftKl: { values: Float32Array.of(driftKl), shape: [1] },
      upWeights: { values: upWeights, shape: [batch.rows] },
      downWeights: { values: downWeights, shape: [batch.rows] },
      guard: { values: guard, shape: [batch.rows] },
      numbers: { values: optimiser.advance(rate), shape: [3] },
    })) as [Float32Array, Float32Array, Float32Array];
    const [loss, gradNorm] = [losses[0] as number, norms[0] as number];
    if (!Number.isFinite(loss + gradNorm)) throw new NonFiniteError('The KTO loss', optimiser.step);
    const rewardsOf = (up: boolean): number[] =>
      chosen.flatMap((thumb, i) => (thumb.up === up ? [settings.beta * (logRatios[i] as number)] : []));
    const sides = { 'rewards/chosen': rewardsOf(true), 'rewards/rejected': rewardsOf(false) };
    return {
      step: optimiser.step,
      steps,
      phase: 'learning from thumbs',
      metrics: {
        loss,
        kl: driftKl,
        ...Object.fromEntries(Object.entries(sides).flatMap(([name, all]) => (all.length ? [[name, mean(all)]] : []))),
        grad_norm: gradNorm,
        learning_rate: rate,
      },
    };
  }

  /** Gives log pi - log piRef [B], the loss, and the norm of its gradient. */
  function learningStep(): Step<KtoInput> {
    return new Step(
      'KTO',
      ({ refLogProbs, driftKl, upWeights, downWeights, guard, numbers, ...batch }) => {
        const z = tf.reshape<tf.Rank.R0>(driftKl, []);
        const { loss, statistics, gradients } = optimiser.differentiate(() =>
          lossGradients(policy.parameters, () => {
            const logProbs = logLikelihoods(policy, batch); // [B]
            const sideOf = (up: boolean, weights: tf.Tensor): tf.Scalar =>
              tf.sum(tf.mul(weights, ktoLoss(logProbs, refLogProbs as tf.Tensor1D, up, z, settings.beta)));
            const preference: tf.Scalar = tf.add(sideOf(true, upWeights), sideOf(false, downWeights));
            const held: tf.Scalar = tf.neg(tf.sum(tf.mul(logProbs, guard)));
            return {
              loss: settings.guardCoef === 0 ? preference : tf.add(preference, tf.mul(settings.guardCoef, held)),
              statistics: tf.sub(logProbs, refLogProbs) as tf.Tensor1D,
            };
          }),
        );
        return [statistics, loss, optimiser.update(gradients, numbers as tf.Tensor1D)];
      },
      () => policy.parameters.values(),
    );
  }
}

const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
