/**
 * The two steps of a PPO update, and what the first leaves on the device for the second: scoring, which ends in
 * advantages and returns, and a minibatch, which takes its rows from them. So the host can ask for all minibatches of an
 * update before it has read anything of it.
 *
 * Letters: B replies of an update, M of a minibatch, P prompt length, R response length, T = P + R.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { PpoSettings } from '../config';
import { type HostTensor, type Reader, Step } from '../gpu/step';
import { batchInputs, selectRows, type Batch, type BatchInput, type BatchTensors } from '../model/batch';
import type { Gpt } from '../model/gpt';
import { lossGradients } from '../model/lossGradients';
import { responseLogProbs } from '../model/responseLogProbs';
import { rewardParameters } from '../model/rewardHead';
import { scalarParameters, type ScalarModel } from '../model/scalarHead';
import { AdamW } from '../ops/adamw';
import { copyInto } from '../ops/copyInto';
import { klCoefValues } from '../ops/shapedRewards';
import { PLANES, takeRows } from '../ops/takeRows';
import { tokenAdvantages, tokenRewards } from './experience';
import { policyLoss, valueLoss } from './ppoLoss';
import { poolingWeights } from './rewardModel';
import { scoreEpisodes, stateValues, type RolloutModels } from './rollout';

/** What the steps change; its tensors are the caller's. */
export interface Learners {
  models: RolloutModels;
  policyOptimiser: AdamW;
  valueOptimiser: AdamW;
}

/** Adam in TensorFlow 1's form, epsilon 1e-5, as the RLHF papers ran it. */
export function ppoOptimisers(policy: Gpt, valueModel: ScalarModel, { maxGradNorm }: PpoSettings): [AdamW, AdamW] {
  const options = { form: 'tf1', epsilon: 1e-5, maxGradNorm } as const;
  return [new AdamW(policy.parameters, options), new AdamW(scalarParameters(valueModel), options)];
}

/** What is read of a scored batch. */
export interface ScoredBatch {
  /** [B, R] of the value model at rollout; means nothing outside the mask */
  oldValues: Float32Array;
  /** [B, R] */
  returns: Float32Array;
  /** [B, R] of the policy, nats; means nothing outside the mask */
  entropies: Float32Array;
  /** [B] of the normalised reward model, before any penalty */
  scores: Float32Array;
  /** [B] after the penalty for a missing stop token */
  penalisedScores: Float32Array;
  /** [B] nats */
  kl: Float32Array;
  /** [B] */
  nonScoreRewards: Float32Array;
}

type ScoringInput = BatchInput | 'pooling' | 'finished' | 'klCoef';
type MinibatchInput = BatchInput | 'rows' | 'policyNumbers' | 'valueNumbers';

export class PpoSteps {
  readonly scoring: Step<ScoringInput>;
  readonly minibatch: Step<MinibatchInput>;
  /** [4, B, R] old log-probs, whitened advantages, old values and returns of the batch that was scored last. */
  readonly experience: tf.Variable<tf.Rank.R3>;
  readonly #learners: Learners;

  /** For batches of these sizes alone. */
  constructor(
    learners: Learners,
    settings: PpoSettings,
    { rows, responseLength }: Pick<Batch, 'rows' | 'responseLength'>,
  ) {
    this.#learners = learners;
    this.experience = tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R3>([PLANES, rows, responseLength]), false));
    this.scoring = scoringStep(learners.models, settings, this.experience);
    this.minibatch = minibatchStep(learners, settings, this.experience);
  }

  fits({ rows, responseLength }: Batch): boolean {
    const [, B, R] = this.experience.shape;
    return rows === B && responseLength === R;
  }

  /**
   * Scores a batch, for minibatches to learn from.
   * @param finished [B] whether each response ended with the stop token
   */
  score(batch: Batch, finished: readonly boolean[], klCoef: number): () => Promise<ScoredBatch> {
    const { rows } = batch;
    const read = this.scoring.run({
      ...batchInputs(batch),
      pooling: poolingWeights(batch),
      finished: { values: Int32Array.from(finished, Number), shape: [rows] },
      klCoef: { values: klCoefValues(klCoef), shape: [3] },
    });
    return async () => {
      const [oldValues, returns, entropies, scores, replies] = (await read()) as [
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
        scores,
        penalisedScores: replies.subarray(0, rows),
        kl: replies.subarray(rows, 2 * rows),
        nonScoreRewards: replies.subarray(2 * rows),
      };
    };
  }

  /**
   * One optimiser step of policy and value model on chosen rows of the batch that was scored last.
   * @returns reads `MINIBATCH_STATISTICS`, in four parts
   */
  learn(batch: Batch, chosen: number[], learningRate: number, valueLearningRate: number): Reader {
    const { policyOptimiser, valueOptimiser } = this.#learners;
    const numbersOf = (optimiser: AdamW, rate: number): HostTensor => ({
      values: optimiser.advance(rate),
      shape: [3],
    });
    return this.minibatch.run({
      ...batchInputs(selectRows(batch, chosen)),
      rows: { values: Int32Array.from(chosen), shape: [chosen.length] },
      policyNumbers: numbersOf(policyOptimiser, learningRate),
      valueNumbers: numbersOf(valueOptimiser, valueLearningRate),
    });
  }

  dispose(): void {
    this.scoring.dispose();
    this.minibatch.dispose();
    this.experience.dispose();
  }
}

/** Gives old values, returns and entropies [B, R], scores [B], and what `tokenRewards` says of replies [3, B]. */
function scoringStep(
  models: RolloutModels,
  { temperature, missingEosPenalty, gamma, lam }: PpoSettings,
  experience: tf.Variable<tf.Rank.R3>,
): Step<ScoringInput> {
  const { policy, refPolicy, rewardModel, valueModel } = models;
  return new Step(
    'scoring',
    (inputs) => {
      const { finished, klCoef } = inputs as Record<ScoringInput, tf.Tensor> as Record<ScoringInput, tf.Tensor1D>;
      const batch = inputs as Record<ScoringInput, tf.Tensor> as BatchTensors & { pooling: tf.Tensor2D };
      const { oldLogProbs, refLogProbs, oldValues, entropies, scores } = scoreEpisodes(models, batch, temperature);
      const mask = batch.responseMask;
      const { rewards, replies } = tokenRewards(
        { logProbs: oldLogProbs, refLogProbs, mask, scores, finished, klCoef },
        missingEosPenalty,
      );
      const { advantages, returns } = tokenAdvantages({ rewards, values: oldValues, mask }, { gamma, lam });
      copyInto(experience, tf.stack([oldLogProbs, advantages, oldValues, returns]));
      return [oldValues, returns, entropies, scores, replies];
    },
    () => [
      ...policy.parameters.values(),
      ...refPolicy.parameters.values(),
      ...rewardParameters(rewardModel).values(),
      ...scalarParameters(valueModel).values(),
      experience,
    ],
  );
}

/** Gives the statistics of both losses, and the norms of both gradients. */
function minibatchStep(
  { models, policyOptimiser, valueOptimiser }: Learners,
  { temperature, clipRange, clipRangeValue, vfCoef }: PpoSettings,
  experience: tf.Variable<tf.Rank.R3>,
): Step<MinibatchInput> {
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
      const policy = policyOptimiser.differentiate(() =>
        lossGradients(models.policy.parameters, () => {
          const { logProbs, entropy } = responseLogProbs(models.policy, ids, start, promptLength, temperature);
          return policyLoss(logProbs, entropy, { oldLogProbs, advantages, responseMask }, clipRange);
        }),
      );
      const value = valueOptimiser.differentiate(() =>
        lossGradients(scalarParameters(models.valueModel), () => {
          const values = stateValues(models.valueModel, ids, start, promptLength);
          return valueLoss(values, { oldValues, returns, responseMask }, clipRangeValue, vfCoef);
        }),
      );
      return [
        policy.statistics,
        value.statistics,
        policyOptimiser.update(policy.gradients, policyNumbers),
        valueOptimiser.update(value.gradients, valueNumbers),
      ];
    },
    () => [...models.policy.parameters.values(), ...scalarParameters(models.valueModel).values(), experience],
  );
}
