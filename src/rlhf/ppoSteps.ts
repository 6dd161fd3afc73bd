/**
 * The two steps of a PPO update, and what the first leaves on the device for the second: scoring, which ends in
 * advantages and returns, and a minibatch, which takes its rows from them. So the host can ask for all minibatches of an
 * update before it has read anything of it.
 *
 * Letters: B replies of an update, M of a minibatch, P prompt length, R response length, T = P + R.
 */
import * as tf from '@tensorflow/tfjs-core';
import { KL_LOSSES, type PpoSettings } from '../config';
import { InputError } from '../errors';
import { type HostTensor, type Reader, Step } from '../gpu/step';
import { batchInputs, selectRows, type Batch, type BatchInput, type BatchTensors } from '../model/batch';
import type { Gpt } from '../model/gpt';
import { lossGradients } from '../model/lossGradients';
import { responseLogProbs } from '../model/responseLogProbs';
import { rewardParameters } from '../model/rewardHead';
import { scalarParameters, type ScalarModel } from '../model/scalarHead';
import { AdamW } from '../ops/adamw';
import { copyInto } from '../ops/copyInto';
import { uniform } from '../ops/counterRandom';
import { NO_DUAL_CLIP } from '../ops/policyLoss';
import { klCoefValues } from '../ops/shapedRewards';
import { PLANES, takeRows } from '../ops/takeRows';
import { tokenAdvantages, tokenRewards } from './experience';
import { exactKlOfTokens, logProbsAndEntropies, responseLogits } from './nextTokenDistributions';
import { type LossWithStatistics, policyLoss, totalLoss, valueLoss } from './ppoLoss';
import { languageModelLoss, type WindowBatch, windowBatch } from './pretraining';
import { poolingWeights } from './rewardModel';
import { scoreEpisodes, stateValues, type RolloutModels } from './rollout';
import { klPerToken } from './surrogateLoss';

/** What the steps change; its tensors are the caller's. */
export interface Learners {
  models: RolloutModels;
  /** Of the policy; with a shared value model, of its head as well. */
  policyOptimiser: AdamW;
  /** None where the value model is a head on the policy. */
  valueOptimiser: AdamW | null;
}

/** Whether the value model is a head on the policy itself. */
export const isShared = (policy: Gpt, { trunk }: ScalarModel): boolean => trunk === policy;

/** Adam in TensorFlow 1's form, with epsilon 1e-5 by default, as the RLHF papers ran it. */
export function ppoOptimisers(
  policy: Gpt,
  valueModel: ScalarModel,
  { maxGradNorm, adamEpsilon: epsilon }: PpoSettings,
): { policyOptimiser: AdamW; valueOptimiser: AdamW | null } {
  const options = { form: 'tf1', epsilon, maxGradNorm } as const;
  const ofValues = new AdamW(scalarParameters(valueModel), options);
  if (isShared(policy, valueModel)) return { policyOptimiser: ofValues, valueOptimiser: null };
  return { policyOptimiser: new AdamW(policy.parameters, options), valueOptimiser: ofValues };
}

/** What is read of a scored batch. */
export interface ScoredBatch {
  /** [B, R] of the value model at rollout; means nothing outside the mask */
  oldValues: Float32Array;
  /** [B, R] */
  returns: Float32Array;
  /** [B, R] of the policy, nats; means nothing outside the mask */
  entropies: Float32Array;
  /** [B, R] of the sampled tokens under the policy that sampled; mean nothing outside the mask */
  logProbs: Float32Array;
  /** [B, R] as they are learnt from */
  advantages: Float32Array;
  /** [B] of the normalised reward model, before any penalty */
  scores: Float32Array;
  /** [B] after the penalty for a missing stop token */
  penalisedScores: Float32Array;
  /** [B] nats */
  kl: Float32Array;
  /** [B] */
  nonScoreRewards: Float32Array;
}

/** What replies are paid by: the reward model, by its weight, and scores from elsewhere. */
export interface Pay {
  modelWeight: number;
  others: boolean;
}

type ScoringInput = BatchInput | 'pooling' | 'finished' | 'klCoef' | 'otherScores' | 'kept';
type PretrainingInput = 'windowIds' | 'windowStart' | 'windowTargets' | 'windowWeights';
/** Pretraining text beside the replies of a minibatch. */
export const namedAsText = ({ ids, start, targets, weights }: WindowBatch): Record<PretrainingInput, HostTensor> => ({
  windowIds: ids,
  windowStart: start,
  windowTargets: targets,
  windowWeights: weights,
});
type MinibatchInput = BatchInput | PretrainingInput | 'rows' | 'policyNumbers' | 'valueNumbers';

/** What stands for the pretraining text where there is no loss on it. */
const NO_WINDOWS = { windows: new Int32Array(2), length: 2 };
const NO_NUMBERS: HostTensor = { values: new Float32Array(3), shape: [3] };

export class PpoSteps {
  readonly scoring: Step<ScoringInput>;
  readonly minibatch: Step<MinibatchInput>;
  /** [4, B, R] old log-probs, whitened advantages, old values and returns of the batch that was scored last. */
  readonly experience: tf.Variable<tf.Rank.R3>;
  readonly #learners: Learners;
  readonly #settings: PpoSettings;

  /**
   * For batches of these sizes alone.
   * @throws InputError for a dual clip above 0 that is not above 1
   */
  constructor(
    learners: Learners,
    settings: PpoSettings,
    { rows, responseLength }: Pick<Batch, 'rows' | 'responseLength'>,
    pay: Pay = { modelWeight: 1, others: false },
  ) {
    const dualClip = dualClipOf(settings);
    this.#learners = learners;
    this.experience = tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R3>([PLANES, rows, responseLength]), false));
    this.#settings = settings;
    this.scoring = scoringStep(learners.models, settings, this.experience, pay);
    this.minibatch = minibatchStep(learners, settings, dualClip, this.experience);
  }

  fits({ rows, responseLength }: Batch): boolean {
    const [, B, R] = this.experience.shape;
    return rows === B && responseLength === R;
  }

  /**
   * Scores a batch, for minibatches to learn from.
   * @param finished [B] whether each response ended with the stop token
   * @param otherScores [B] added to the reward model's, where they are paid
   * @param seed of what dropout leaves out, where there is dropout
   */
  score(
    batch: Batch,
    finished: readonly boolean[],
    klCoef: number,
    otherScores: Float32Array = new Float32Array(batch.rows),
    seed = 0,
  ): () => Promise<ScoredBatch> {
    const { rows } = batch;
    const read = this.scoring.run({
      ...batchInputs(batch),
      pooling: poolingWeights(batch),
      finished: { values: Int32Array.from(finished, Number), shape: [rows] },
      klCoef: { values: klCoefValues(klCoef), shape: [3] },
      otherScores: { values: otherScores, shape: [rows] },
      kept: keptStates(this.#settings.scoringDropout, batch, this.#learners.models.policy.shape.width, seed),
    });
    return async () => {
      const [oldValues, returns, entropies, logProbs, advantages, scores, replies] = (await read()) as [
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      return {
        oldValues,
        returns,
        entropies,
        logProbs,
        advantages,
        scores,
        penalisedScores: replies.subarray(0, rows),
        kl: replies.subarray(rows, 2 * rows),
        nonScoreRewards: replies.subarray(2 * rows),
      };
    };
  }

  /**
   * One optimiser step of policy and value model on chosen rows of the batch that was scored last.
   * @param windows of the pretraining text [N, length], where there is a pretraining loss
   * @returns reads `MINIBATCH_STATISTICS`, in four parts
   */
  learn(
    batch: Batch,
    chosen: number[],
    learningRate: number,
    valueLearningRate: number,
    { windows, length }: { windows: Int32Array; length: number } = NO_WINDOWS,
  ): Reader {
    const { policyOptimiser, valueOptimiser } = this.#learners;
    const text = windowBatch(windows, length);
    const numbersOf = (optimiser: AdamW, rate: number): HostTensor => ({
      values: optimiser.advance(rate),
      shape: [3],
    });
    return this.minibatch.run({
      ...batchInputs(selectRows(batch, chosen)),
      rows: { values: Int32Array.from(chosen), shape: [chosen.length] },
      policyNumbers: numbersOf(policyOptimiser, learningRate),
      valueNumbers: valueOptimiser ? numbersOf(valueOptimiser, valueLearningRate) : NO_NUMBERS,
      ...namedAsText(text),
    });
  }

  dispose(): void {
    this.scoring.dispose();
    this.minibatch.dispose();
    this.experience.dispose();
  }
}

/** Gives old values, returns, entropies, log-probs and advantages [B, R], scores [B], and what `tokenRewards` says of replies [3, B]. */
function scoringStep(
  models: RolloutModels,
  { temperature, missingEosPenalty, gamma, lam, scoringDropout, whitenPadding }: PpoSettings,
  experience: tf.Variable<tf.Rank.R3>,
  { modelWeight, others }: Pay,
): Step<ScoringInput> {
  const { policy, refPolicy, rewardModel, valueModel } = models;
  return new Step(
    'scoring',
    (inputs) => {
      const { finished, klCoef, otherScores, kept } = inputs as Record<ScoringInput, tf.Tensor> as Record<
        ScoringInput,
        tf.Tensor1D
      >;
      const batch = inputs as Record<ScoringInput, tf.Tensor> as BatchTensors & { pooling: tf.Tensor2D };
      const episodes = scoreEpisodes(models, batch, temperature, scoringDropout > 0 ? kept : undefined);
      const { oldLogProbs, refLogProbs, oldValues, entropies } = episodes;
      const weighed = modelWeight === 1 ? episodes.scores : (tf.mul(modelWeight, episodes.scores) as tf.Tensor1D);
      const scores: tf.Tensor1D = others ? tf.add(weighed, otherScores) : weighed;
      const mask = batch.responseMask;
      const { rewards, replies } = tokenRewards(
        { logProbs: oldLogProbs, refLogProbs, mask, scores, finished, klCoef },
        missingEosPenalty,
      );
      const own = { gamma, lam, whitened: whitenPadding === 0 };
      const { advantages: sharp, returns } = tokenAdvantages({ rewards, values: oldValues, mask }, own);
      const advantages = whitenPadding === 0 ? sharp : whitenedWithPadding(sharp);
      copyInto(experience, tf.stack([oldLogProbs, advantages, oldValues, returns]));
      return [oldValues, returns, entropies, oldLogProbs, advantages, scores, replies];
    },
    () => [
      ...policy.parameters.values(),
      ...refPolicy.parameters.values(),
      ...(rewardModel ? rewardParameters(rewardModel).values() : []),
      ...scalarParameters(valueModel).values(),
      experience,
    ],
  );
}

/** The mistake of taking the padding for tokens whose advantage is 0. */
function whitenedWithPadding(advantages: tf.Tensor2D): tf.Tensor2D {
  const { mean, variance } = tf.moments(advantages);
  return tf.mul(tf.sub(advantages, mean), tf.rsqrt(tf.add(variance, 1e-8)));
}

/**
 * What dropout keeps of the last states of a response, [B R, C]: 0, or 1 / (1 - share). A single number where there is
 * none.
 */
function keptStates(share: number, { rows, responseLength }: Batch, width: number, seed: number): HostTensor {
  if (share === 0) return { values: new Float32Array(1), shape: [1] };
  const count = rows * responseLength;
  const values = new Float32Array(count * width);
  for (let i = 0; i < values.length; i++) values[i] = uniform(seed, 0xd409, i, 0) < share ? 0 : 1 / (1 - share);
  return { values, shape: [count, width] };
}

/** What a bad token costs at most, in advantages; at 1 or below it would lose its gradient while its ratio is still 1. */
function dualClipOf({ dualClip }: PpoSettings): number {
  if (dualClip === 0) return NO_DUAL_CLIP;
  if (dualClip > 1) return dualClip;
  throw new InputError(
    `Expected a dual clip above 1, or 0 for none, got ${dualClip}.`,
    'Set "Dual clip" to 3, as Ye et al. (2020) have it, or to 0.',
  );
}

/**
 * Gives the statistics of both losses, and the norms of both gradients: of one, twice, where the models share it.
 *
 *   policy: L_clip - entropyCoef · H + klLossCoef · k + ptxCoef · pretraining loss;   value: vfCoef · L_value
 *
 * PPO, equation 9; InstructGPT, equation 2, with its gamma as ptxCoef. Means are over the response's tokens.
 */
function minibatchStep(
  { models, policyOptimiser, valueOptimiser }: Learners,
  settings: PpoSettings,
  dualClip: number,
  experience: tf.Variable<tf.Rank.R3>,
): Step<MinibatchInput> {
  const { policy, refPolicy, valueModel } = models;
  const { temperature, clipRange, clipRangeValue, vfCoef, entropyCoef, klLossCoef, ptxCoef } = settings;
  const klLoss = KL_LOSSES[settings.klLoss] ?? 'none';
  const charged = klLoss !== 'none' && klLossCoef !== 0;
  const exact = charged && klLoss === 'exact';
  return new Step(
    'PPO minibatch',
    (inputs) => {
      const { ids, start, responseMask } = inputs as Record<MinibatchInput, tf.Tensor> as BatchTensors;
      const { rows, policyNumbers, valueNumbers } = inputs as Record<MinibatchInput, tf.Tensor> as Record<
        MinibatchInput,
        tf.Tensor1D
      >;
      const [oldLogProbs, advantages, oldValues, returns] = takeRows(experience, rows);
      const promptLength = ids.shape[1] - responseMask.shape[1];
      const refLogits = exact ? responseLogits(refPolicy, ids, start, promptLength) : null;
      const refLogProbs =
        charged && !exact
          ? responseLogProbs(refPolicy, ids, start, promptLength, temperature, { mask: responseMask }).logProbs
          : null;
      const meanOf = (perToken: tf.Tensor): tf.Tensor =>
        tf.div(tf.sum(tf.mul(perToken, responseMask)), tf.sum(responseMask));

      const policyTerms = (): LossWithStatistics => {
        const logits = exact || entropyCoef !== 0 ? responseLogits(policy, ids, start, promptLength) : null;
        const { logProbs, entropies } = logits
          ? logProbsAndEntropies(logits, ids, promptLength, temperature)
          : sampledOnly();
        const { loss, statistics } = policyLoss(
          logProbs,
          entropies,
          { oldLogProbs, advantages, responseMask },
          clipRange,
          dualClip,
        );
        const terms: tf.Tensor[] = [loss];
        if (entropyCoef !== 0) terms.push(tf.mul(-entropyCoef, meanOf(entropies)));
        if (charged) {
          const exactKl =
            logits && refLogits ? { exactKl: exactKlOfTokens(logits, refLogits, responseMask, temperature) } : {};
          terms.push(
            tf.mul(
              klLossCoef,
              meanOf(klPerToken(klLoss, logProbs, refLogProbs ?? logProbs, responseMask, exactKl.exactKl)),
            ),
          );
        }
        if (ptxCoef !== 0) {
          const { windowIds, windowStart, windowTargets, windowWeights } = inputs;
          const text = { ids: windowIds, start: windowStart, targets: windowTargets, weights: windowWeights };
          terms.push(tf.mul(ptxCoef, languageModelLoss(policy, text)));
        }
        return { loss: terms.length === 1 ? loss : (tf.addN(terms) as tf.Scalar), statistics };
      };
      const sampledOnly = (): { logProbs: tf.Tensor2D; entropies: tf.Tensor2D } => {
        const { logProbs, entropy } = responseLogProbs(policy, ids, start, promptLength, temperature, {
          mask: responseMask,
        });
        return { logProbs, entropies: entropy };
      };
      const valueTerms = (coef: number): LossWithStatistics => {
        const values = stateValues(valueModel, ids, start, promptLength, responseMask);
        return valueLoss(values, { oldValues, returns, responseMask }, clipRangeValue, coef);
      };

      if (!valueOptimiser) {
        const both = policyOptimiser.differentiate(() =>
          lossGradients(scalarParameters(valueModel), () => {
            const [own, value] = [policyTerms(), valueTerms(1)];
            return {
              loss: totalLoss(own.loss, value.loss, vfCoef),
              statistics: tf.concat1d([own.statistics, value.statistics]),
            };
          }),
        );
        const norm = policyOptimiser.update(both.gradients, policyNumbers);
        return [both.statistics, norm, norm];
      }
      const own = policyOptimiser.differentiate(() => lossGradients(policy.parameters, policyTerms));
      const value = valueOptimiser.differentiate(() =>
        lossGradients(scalarParameters(valueModel), () => valueTerms(vfCoef)),
      );
      return [
        own.statistics,
        value.statistics,
        policyOptimiser.update(own.gradients, policyNumbers),
        valueOptimiser.update(value.gradients, valueNumbers),
      ];
    },
    () => [
      ...policy.parameters.values(),
      ...(charged ? refPolicy.parameters.values() : []),
      ...scalarParameters(valueModel).values(),
      experience,
    ],
  );
}
